"""Dates and times in C99: a text becomes days and seconds, whose parts are recorded."""

from __future__ import annotations

from dataclasses import replace

from declnet_plugins.exchange import TranslationSite, Untranslatable, write_recorded
from declnet_plugins.export.c99.translation import CTranslation, text_end
from declnet_plugins.export.c99.writer import TEXT, CWriter, Value
from declnet_plugins.standard.transforms.dates import Datetime

FORMS = {
    "year_first": "y/m?/d",
    "day_first": "d/m/s",
    "month_first": "m/d/s",
    "day_name": "d-n-y",
    "name_day": "n d, y",
    "month_name": "n-y",
    "time": "",
}
"""The date in each form of `declnet.date_form`, in the letters that READ knows."""

DIGITS = """
/* The number that the next digits are, which are moved past; -1 if there are too few. */
static int32_t $name(const char **text, int least, int most)
{
    int32_t number = 0;
    int count = 0;
    for (; count < most && **text >= '0' && **text <= '9'; count++, (*text)++)
        number = number * 10 + (**text - '0');
    return count < least ? -1 : number;
}
"""

MONTH = """
/* The month whose English name comes next, in full or abbreviated; -1 if none does. */
static int32_t $name(const char **text)
{
    static const char names[12][10] = {"january", "february", "march", "april", "may", "june",
        "july", "august", "september", "october", "november", "december"};
    const char *const start = *text;
    int count = 0;
    while (count < 9 && (start[count] | 32) >= 'a' && (start[count] | 32) <= 'z') count++;
    *text += count + (start[count] == '.');
    for (int month = 0; month < 12; month++) {
        int same = 0;
        while (same < count && names[month][same] == (start[same] | 32)) same++;
        if (same < count) continue;
        if (count == 3 || names[month][count] == 0 || (month == 8 && count == 4)) return month + 1;
    }
    return -1;
}
"""

READ = """
/* Days since 1970-01-01 and seconds of the day of a text; returns 0 if it is not a date of a form.
   There, m and d are numbers, y has 4 digits, s 4 or 2, and n is a name; a slash is one sign for
   the whole date, a hyphen a space or a hyphen, and ? the end of the date unless the sign follows.
   Without a date, it is a time alone. */
static int $name(const char *text, const char *form, $number *y)
{
    const char *const end = $text_end(text);
    const int has_date = *form != 0;
    int32_t year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, micro = 0, zone = 0;
    char sign = 0;
    for (; *form != 0; form++) {
        const char *const start = text;
        switch (*form) {
        case 'y': year = $digits(&text, 4, 4); break;
        case 's':
            year = $digits(&text, 2, 4);
            if (text - start == 3 || (text - start == 2 && sign != '/')) return 0;
            if (text - start == 2) year += year > 68 ? 1900 : 2000;
            break;
        case 'm': month = $digits(&text, 1, 2); break;
        case 'd': day = $digits(&text, 1, 2); break;
        case 'n': month = $month(&text); break;
        case '?': if (*text != sign) form += 2; break;
        case ',': if (*text == ',') text++; break;
        case '-':
            if (*text != ' ' && *text != '-') return 0;
            text++;
            break;
        case '/':
            if (*text != '-' && *text != '/' && *text != '.') return 0;
            if (sign != 0 && *text != sign) return 0;
            sign = *text++;
            break;
        default:
            if (*text != *form) return 0;
            text++;
        }
    }
    if (!has_date || text != end) {
        if (has_date && *text != 'T' && *text != ' ') return 0;
        if (has_date) text++;
        hour = $digits(&text, 1, 2);
        if (*text != ':') return 0;
        text++;
        minute = $digits(&text, 2, 2);
        if (*text == ':') {
            text++;
            second = $digits(&text, 2, 2);
            if (*text == '.' || *text == ',') {
                const char *const point = text++;
                for (int32_t unit = 100000; *text >= '0' && *text <= '9'; text++, unit /= 10)
                    micro += unit * (*text - '0');
                if (text - point < 2 || text - point > 10) return 0;
            }
        }
        const char *at = text + (*text == ' ');
        if ((*at | 32) == 'a' || (*at | 32) == 'p') {
            if (hour < 1 || hour > 12) return 0;
            hour = hour % 12 + ((*at | 32) == 'p' ? 12 : 0);
            at += at[1] == '.' ? 2 : 1;
            if ((*at | 32) != 'm') return 0;
            text = at + (at[1] == '.' ? 2 : 1);
            at = text + (*text == ' ');
        }
        if (has_date && *at == 'Z') text = at + 1;
        else if (has_date && ((at[0] == 'U' && at[1] == 'T' && at[2] == 'C')
                              || (at[0] == 'G' && at[1] == 'M' && at[2] == 'T'))) text = at + 3;
        else if (has_date && (*at == '+' || *at == '-')) {
            const int32_t direction = *at == '-' ? -1 : 1;
            at++;
            const int32_t hours = $digits(&at, 2, 2);
            if (at != end && *at == ':') at++;
            const int32_t minutes = at == end && at[-1] != ':' ? 0 : $digits(&at, 2, 2);
            if (hours < 0 || minutes < 0) return 0;
            zone = direction * (hours * 60 + minutes);
            text = at;
        }
    }
    const int is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (text != end || year < 1 || month < 1 || month > 12 || day < 1) return 0;
    if (day > (month == 2 ? 28 + is_leap : 30 + (month + month / 8) % 2)) return 0;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return 0;
    const int32_t years = year - (month <= 2), months = (month + 9) % 12; /* from March on */
    int32_t days = 365 * years + years / 4 - years / 100 + years / 400;
    days += (153 * months + 2) / 5 + day - 719469;
    int32_t seconds = (hour * 60 + minute - zone) * 60 + second;
    for (; seconds < 0; seconds += 86400) days--;
    for (; seconds >= 86400; seconds -= 86400) days++;
    y[0] = ($number) days;
    y[1] = (($number) seconds * 1000000 + ($number) micro) / 1000000;
    return days >= -719162 && days <= 2932896; /* of the years 1 to 9999 */
}
"""

MOMENTS = """
for (int i = 0; i < $size; i++) {
    if (x[i] == NULL) {
        y[2 * i] = y[2 * i + 1] = NAN;
    } else if (!$read(x[i], "$form", y + 2 * i)) {
        out->column = $column;
        return ${PREFIX}_INVALID_TEXT;
    }
}
"""


class CDatetime(CTranslation):
    """A loop that reads dates, and the recorded arithmetic of their parts."""

    replaces = (Datetime,)

    def write(self, transform: Datetime, site: TranslationSite, w: CWriter) -> tuple[Value, ...]:
        """Add the loop and the recorded steps."""
        (x,), form = site.inputs, FORMS.get(site.state["form"])
        if x.ctype != TEXT or form is None:
            raise Untranslatable(f"dates of the form {site.state['form']!r} are not known in C")
        helpers = {
            "text_end": text_end(w),
            "digits": w.helper("digits", DIGITS),
            "month": w.helper("month", MONTH),
        }
        moments = w.compute(
            site.name, MOMENTS, {"x": x}, (*x.shape, 2), ctype=w.number, inline=True, form=form,
            size=x.size, read=w.helper("read_date", READ, **helpers),
        )  # fmt: skip
        read = replace(site, inputs=(moments,), input_shapes=((2,),), input_types=("number",))
        return write_recorded(transform.numbers_of, read)
