"""A notebook of marimo."""

import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    slider = mo.ui.slider(0, 10, value=5)
    mo.vstack([slider])
    return (slider,)


@app.cell
def _(slider):
    slider.value * 2
    return


if __name__ == "__main__":
    app.run()
