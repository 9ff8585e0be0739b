"""Panel: a slider, and a text that follows it."""

import panel as pn

slider = pn.widgets.IntSlider(name="Count", start=0, end=10, value=5)
pn.Column(slider, pn.bind(lambda count: f"twice: {count * 2}", slider)).servable()
