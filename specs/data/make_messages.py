"""Write messages.csv: short messages to a shop, each about one of four subjects.

Sentences are put together at random. Most messages also mention something of another subject,
politely or in passing, and one in twenty says nothing of its own subject at all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

MESSAGES = 1500

OPENINGS = ["Hello,", "Hi,", "Good morning,", "Dear team,", "Please help:", "", "", ""]
SUBJECTS = {
    "delivery": [
        "my {thing} has not arrived yet",
        "the parcel with the {thing} is late",
        "the tracking page has shown nothing since {day}",
        "the courier left the {thing} at a neighbor's door",
        "when will you ship the {thing}?",
        "nobody rang on {day}, and now the {thing} is back at the depot",
    ],
    "payment": [
        "I was charged twice for the {thing}",
        "my card was declined when I ordered the {thing}",
        "the invoice for the {thing} has the wrong address",
        "the discount code did not apply to the {thing}",
        "can I pay for the {thing} in installments?",
        "the bank says the charge of {day} is still pending",
    ],
    "returns": [
        "I would like to send the {thing} back",
        "the {thing} does not fit and should be exchanged",
        "where is the return label for the {thing}?",
        "I am still waiting for the refund of the {thing}",
        "the {thing} came in the wrong color, please take it back",
        "I changed my mind about the {thing} on {day}",
    ],
    "defects": [
        "the {thing} broke on {day}",
        "the {thing} makes a strange noise",
        "one part of the {thing} is missing",
        "the {thing} stopped working after a week",
        "the screen of the {thing} stays dark",
        "the {thing} arrived with a crack",
    ],
}
PASSING = {
    "delivery": ["it came on {day}, by the way", "the courier was friendly"],
    "payment": ["I paid by card on {day}", "I can send you the invoice"],
    "returns": ["I do not want a refund yet", "I kept the box in case of a return"],
    "defects": ["otherwise it works well", "nothing on it is broken"],
}
VAGUE = ["could you call me about the {thing}?", "I have a question about the {thing}"]
CLOSINGS = ["Thank you!", "Many thanks.", "Please answer soon.", "Regards", "", "", ""]
THINGS = ["lamp", "kettle", "radio", "blender", "tent", "backpack", "phone", "keyboard", "chair"]
THINGS += ["clock", "drill", "heater"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def rows() -> list[str]:
    """Return the lines of the file."""
    rng = np.random.Generator(np.random.PCG64(17))
    lines = ["message,subject"]
    for _ in range(MESSAGES):
        subject, other = rng.choice([*SUBJECTS], 2, replace=False)
        sentences = VAGUE if rng.random() < 0.05 else SUBJECTS[subject]
        parts = [rng.choice(sentences)]
        if rng.random() < 0.7:
            parts.insert(rng.integers(2), rng.choice(PASSING[other]))
        text = ". ".join(part[0].upper() + part[1:] for part in parts)
        text = text.format(thing=rng.choice(THINGS), day=rng.choice(DAYS)).replace("?.", "?")
        stop = "" if text.endswith("?") else "."
        text = f"{rng.choice(OPENINGS)} {text}{stop} {rng.choice(CLOSINGS)}".strip()
        lines.append(f'"{text}",{subject}')
    return lines


if __name__ == "__main__":
    Path(__file__).with_name("messages.csv").write_text("\n".join(rows()) + "\n", "utf-8")
