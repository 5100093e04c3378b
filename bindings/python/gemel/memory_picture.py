"""The picture of `memory.explain` as SVG."""
from html import escape

WIDTH, HEIGHT = 1280, 720
LEFT, RIGHT, TOP, BOTTOM = 84, 20, 84, 52
# Family, colour (told apart also without red and green), parts of operators' names.
FAMILIES = (
    ("convolution", "#0072b2", ("convolution", "im2col")),
    ("matrix product", "#56b4e9", ("fullyconnected", "dot", "gemm", "rnn")),
    ("normalization", "#009e73", ("norm", "lrn", "moments")),
    ("pooling", "#cc79a7", ("pool",)),
    ("loss", "#d55e00", ("softmax", "regression", "loss", "svmoutput")),
    ("joining, shape", "#f0e442", ("concat", "stack", "slice", "split", "reshape", "flatten", "transpose",
                                   "pad", "tile", "repeat")),
    ("pointwise", "#e69f00", ()),
)
WORKSPACE = "#999999"
DARK = ("#0072b2", "#009e73", "#d55e00")  # labels on these are white


def family_of(operator):
    """(name, colour) of an operator's family; pointwise where nothing else fits."""
    lower = operator.lower()
    for name, colour, parts in FAMILIES:
        if any(part in lower for part in parts):
            return name, colour
    return FAMILIES[-1][:2]


def _ticks(most, count):
    """Round numbers from 0 to at most `most`, about `count` of them."""
    step = 1
    while most / step > count:
        step *= 2.5 if str(step)[0] == "2" else 2
    return [tick * step for tick in range(int(most / step) + 1)]


class _Drawing:
    def __init__(self, explanation):
        self.plan = explanation
        self.steps = max(len(explanation.steps), 1)
        self.bytes = max(explanation.bytes, 1)
        self.parts = []

    def across(self, step):
        """Where a step begins."""
        return LEFT + (WIDTH - LEFT - RIGHT) * step / self.steps

    def up(self, offset):
        """Where a byte of the arena lies."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * offset / self.bytes

    def text(self, x, y, text, size=12, anchor="start", more=""):
        """Adds a line of text."""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{more}>'
                          f"{escape(text)}</text>")

    def line(self, x1, y1, x2, y2, style):
        """Adds a line."""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" style="{style}"/>')

    def axes(self):
        """Scales, names of axes and what the colours mean."""
        for tick in _ticks(self.bytes / 2**20, 8):
            y = self.up(tick * 2**20)
            self.line(LEFT, y, WIDTH - RIGHT, y, "stroke:#dddddd")
            self.text(LEFT - 8, y + 4, f"{tick:g}", anchor="end")
        for tick in _ticks(self.steps, 10):
            self.text(self.across(tick), HEIGHT - BOTTOM + 18, f"{tick:g}", anchor="middle")
        self.text((LEFT + WIDTH) / 2, HEIGHT - 12, "step of the plan", 13, "middle")
        middle = (HEIGHT + TOP - BOTTOM) / 2
        self.text(20, middle, "place in the arena, MB", 13, "middle", f' transform="rotate(-90 20 {middle})"')
        x = LEFT
        used = {family_of(use.operator)[0] for use in self.plan.uses if not use.workspace}
        rows = [row[:2] for row in FAMILIES if row[0] in used]
        if any(use.workspace for use in self.plan.uses):
            rows.append(("workspace", WORKSPACE))
        for name, colour in rows:
            self.parts.append(f'<rect x="{x}" y="38" width="14" height="14" fill="{colour}"/>')
            self.text(x + 19, 50, name)
            x += 38 + 7 * len(name)

    def uses(self):
        """A rectangle for each value; one that is written over by another ends where that begins."""
        begins = {}
        for use in self.plan.uses:
            begins.setdefault(use.offset, []).append(use)
        for use in self.plan.uses:
            end = use.end + 1
            for other in begins[use.offset]:
                if other is not use and use.begin < other.begin <= use.end:
                    end = min(end, other.begin)
            self.use(use, end)

    def use(self, use, end):
        """One rectangle with its label, where there is room, and a tooltip."""
        x, y = self.across(use.begin), self.up(use.offset + use.bytes)
        wide, high = self.across(end) - x, self.up(use.offset) - y
        family, colour = ("workspace", WORKSPACE) if use.workspace else family_of(use.operator)
        steps = self.plan.steps
        tip = (f"{use.owner} ({use.operator}, {family}): {use.bytes / 2**20:.2f} MB at "
               f"{use.offset / 2**20:.2f} MB, from step {use.begin} ({steps[use.begin]}) to {use.end} "
               f"({steps[use.end]})")
        self.parts.append(f'<rect x="{x:.2f}" y="{y:.2f}" width="{max(wide, 0.5):.2f}" '
                          f'height="{max(high, 0.3):.2f}" fill="{colour}" stroke="#333333" '
                          f'stroke-width="0.4"><title>{escape(tip)}</title></rect>')
        letters = int((wide - 6) / 6.2)
        if high >= 13 and letters >= 4:
            label = use.owner if len(use.owner) <= letters else use.owner[:letters - 1] + "…"
            ink = ' fill="white"' if colour in DARK else ""
            self.text(x + 3, y + high / 2 + 4, label, 11, more=f'{ink} pointer-events="none"')

    def marks(self):
        """Where the backward pass begins, and the peak."""
        first = next((use.begin for use in sorted(self.plan.uses, key=lambda one: one.begin)
                      if use.operator.startswith("_backward")), None)
        if first is not None:
            x = self.across(first)
            self.line(x, TOP, x, HEIGHT - BOTTOM, "stroke:#000000;stroke-dasharray:2 4")
            self.text(x + 4, HEIGHT - BOTTOM + 34, "backward pass", 11)
        if self.plan.steps:
            x = self.across(self.plan.peak + 0.5)
            self.line(x, TOP - 6, x, HEIGHT - BOTTOM, "stroke:#cc0000;stroke-width:1.5")
            most = f"peak {self.plan.live[self.plan.peak] / 2**20:.1f} MB: {self.plan.steps[self.plan.peak]}"
            self.text(min(x, WIDTH - 7 * len(most)), TOP - 10, most, 11, "start", ' fill="#cc0000"')


def svg_of(explanation):
    """The whole picture."""
    drawing = _Drawing(explanation)
    drawing.text(LEFT, 24, f"{explanation.bytes / 2**20:.1f} MB of internal arrays over "
                           f"{len(explanation.steps)} steps", 16, more=' font-weight="bold"')
    drawing.axes()
    drawing.uses()
    drawing.marks()
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>' + "\n".join(drawing.parts) + "</svg>\n")
