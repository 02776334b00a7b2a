package replay

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"maps"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgimg" // PNG
	_ "gonum.org/v1/plot/vg/vgsvg" // SVG
)

// calibrationPlot is the name of the calibration diagram.
const calibrationPlot = "calibration"

const plotWidth, plotHeight = 7 * vg.Inch, 4.5 * vg.Inch

// colours of lines and points; readable without telling red from green.
var (
	blue   = color.RGBA{0, 90, 181, 255}
	orange = color.RGBA{214, 111, 0, 255}
	grey   = color.RGBA{120, 120, 120, 255}
	purple = color.RGBA{120, 40, 140, 255}
	black  = color.RGBA{0, 0, 0, 255}
)

var colours = map[string]color.Color{Assay: blue, ByKNN: orange, ByTask: purple, Random: grey, BestSingle: black, AlwaysLow: grey, Oracle: black}

// newPlot is a plot with its axes and a legend.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Add(plotter.NewGrid())
	p.Legend.Left, p.Legend.Padding = false, vg.Points(2)
	return p
}

// curvePlot draws cost against quality for a source whose costs are known.
func (s *SourceSummary) curvePlot() (*plot.Plot, error) {
	p := newPlot(s.Source+": quality and cost", "cost, share of the best single model's", "mean score")
	var singles plotter.XYs
	for _, m := range s.Models {
		if m.TestUSD.known() && m.Test.known() && float64(s.Best.CostUSD) > 0 {
			singles = append(singles, plotter.XY{X: float64(m.TestUSD / s.Best.CostUSD), Y: float64(m.Test)})
		}
	}
	if err := addPoints(p, "single models", singles, grey, draw.CrossGlyph{}); err != nil {
		return nil, err
	}
	for _, r := range s.Policies {
		var xy plotter.XYs
		for _, pt := range r.Points {
			if pt.CostShare.known() && pt.Score.known() {
				xy = append(xy, plotter.XY{X: float64(pt.CostShare), Y: float64(pt.Score)})
			}
		}
		slices.SortFunc(xy, func(a, b plotter.XY) int { return compare(a.X, b.X) })
		var err error
		switch {
		case r.Policy == Oracle:
			err = addPoints(p, r.Policy, xy, black, draw.TriangleGlyph{})
		case len(xy) == 1:
			err = addPoints(p, r.Policy, xy, colours[r.Policy], draw.BoxGlyph{})
		default:
			err = addLine(p, r.Policy, xy, colours[r.Policy], r.Policy == Assay)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// calibrationPlot draws predicted against observed success by language.
func (s *Summary) calibrationPlot() (*plot.Plot, error) {
	p := newPlot("Predicted and observed success", "predicted", "observed")
	if err := addLine(p, "perfect", plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}, grey, false); err != nil {
		return nil, err
	}
	palette := []color.Color{blue, orange, purple, black}
	for k, lang := range slices.Sorted(maps.Keys(s.Calibration)) {
		var xy plotter.XYs
		for _, b := range s.Calibration[lang].Bins {
			xy = append(xy, plotter.XY{X: b.Predicted, Y: b.Observed})
		}
		c := palette[k%len(palette)]
		if err := addLine(p, lang, xy, c, true); err != nil {
			return nil, err
		}
		if err := addPoints(p, "", xy, c, draw.CircleGlyph{}); err != nil {
			return nil, err
		}
	}
	p.Legend.Top, p.Legend.Left = true, true
	return p, nil
}

func addLine(p *plot.Plot, name string, xy plotter.XYs, c color.Color, thick bool) error {
	if len(xy) == 0 {
		return nil
	}
	l, err := plotter.NewLine(xy)
	if err != nil {
		return err
	}
	l.Color, l.Width = c, vg.Points(1)
	if thick {
		l.Width = vg.Points(2)
	}
	p.Add(l)
	if name != "" {
		p.Legend.Add(name, l)
	}
	return nil
}

func addPoints(p *plot.Plot, name string, xy plotter.XYs, c color.Color, shape draw.GlyphDrawer) error {
	if len(xy) == 0 {
		return nil
	}
	s, err := plotter.NewScatter(xy)
	if err != nil {
		return err
	}
	s.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(3.5), Shape: shape}
	p.Add(s)
	if name != "" {
		p.Legend.Add(name, s)
	}
	return nil
}

// drawing is a plot in both forms.
type drawing struct{ png, svg []byte }

func drawn(p *plot.Plot, err error) (d drawing, _ error) {
	if err != nil {
		return d, err
	}
	for format, to := range map[string]*[]byte{"png": &d.png, "svg": &d.svg} {
		c, err := p.WriterTo(plotWidth, plotHeight, format)
		if err != nil {
			return d, fmt.Errorf("plot %q: %w", p.Title.Text, err)
		}
		var b bytes.Buffer
		if _, err := c.WriteTo(&b); err != nil {
			return d, err
		}
		*to = b.Bytes()
	}
	return d, nil
}

// drawings makes all plots, by the names that the document uses.
func (s *Summary) drawings() (map[string]drawing, error) {
	out := map[string]drawing{}
	var err error
	for i := range s.Sources {
		if src := &s.Sources[i]; src.Money.Kind != NoMoney {
			if out[src.Source], err = drawn(src.curvePlot()); err != nil {
				return nil, err
			}
		}
	}
	if len(s.Calibration) > 0 {
		out[calibrationPlot], err = drawn(s.calibrationPlot())
	}
	return out, err
}

func (d drawing) writePNG(w io.Writer) error {
	_, err := w.Write(d.png)
	return err
}
