// The scale of an axis, as declnet.axis_scale: logarithmic over decades, and cut where the start of
// a line, or a few outliers, would flatten the rest.
function axisScale(lines, linear) {
  const finite = lines.map((line) => line.filter(Number.isFinite)).filter((line) => line.length);
  if (!finite.length) return null;
  const joint = (pairs) => [Math.min(...pairs.map(([low]) => low)), Math.max(...pairs.map(([, high]) => high))];
  const ends = (line) => line.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const decades = ([low, high]) => !linear && low > 0 && low < high / 30;
  const length = ([low, high], log) => (log ? Math.log(high) - Math.log(low) : high - low);
  const varies = ([low, high]) => high - low > 1e-3 * Math.max(Math.abs(low), Math.abs(high));
  const settled = finite.map((line) => (line.length < 10 ? line : line.slice(Math.ceil(0.05 * line.length))));
  const inner = settled.map((line) => {
    const ordered = [...line].sort((a, b) => a - b);
    const outliers = Math.floor(0.02 * ordered.length);
    return [Math.min(ordered[outliers], line.at(-1)), Math.max(ordered.at(-1 - outliers), line.at(-1))];
  });
  let shown = joint(finite.map(ends));
  let log = decades(shown);
  let cut = false;
  for (const part of [joint(settled.map(ends)), joint(inner)]) {
    if (varies(part) && length(part, log) < 0.15 * length(shown, log)) {
      shown = part;
      cut = true;
      log = decades(shown);
    }
  }
  let [low, high] = shown;
  if (cut && log) [low, high] = [low / (high / low) ** 0.1, high * (high / low) ** 0.1];
  else if (cut) [low, high] = [low - 0.1 * (high - low) > 0 || low <= 0 ? low - 0.1 * (high - low) : low, high + 0.1 * (high - low)];
  const hidden = cut ? finite.flat().filter((value) => value < low || value > high).length : 0;
  return { logarithmic: log, low, high, hidden };
}
