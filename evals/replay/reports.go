package replay

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"text/tabwriter"
)

// Print writes the main figures for people to read.
func (r *Replay) Print(w io.Writer) {
	for _, s := range r.Summary.document(false) {
		fmt.Fprintf(w, "\n%s\n", s.title)
		for _, t := range s.text {
			fmt.Fprintf(w, "  %s\n", t)
		}
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, row := range append([][]string{s.head}, s.rows...) {
			if len(row) > 0 {
				fmt.Fprintf(tw, "  %s\n", strings.Join(row, "\t"))
			}
		}
		tw.Flush()
	}
}

// markdown characters that would be more than text in a cell or a paragraph.
var markdown = strings.NewReplacer("\\", "\\\\", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`", "<", "&lt;", "[", "\\[", "]", "\\]", "\n", " ", "\r", " ")

func writeMarkdown(w io.Writer, doc []section) error {
	for _, s := range doc {
		fmt.Fprintf(w, "%s %s\n\n", strings.Repeat("#", s.level), markdown.Replace(s.title))
		for _, t := range s.text {
			fmt.Fprintf(w, "%s\n\n", markdown.Replace(t))
		}
		if s.plot != "" {
			fmt.Fprintf(w, "![plot](plots/%s.png)\n\n", fileName(s.plot))
		}
		if len(s.rows) == 0 {
			continue
		}
		writeRow(w, s.head)
		fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", len(s.head)))
		for _, row := range s.rows {
			writeRow(w, row)
		}
		fmt.Fprintln(w)
	}
	return nil
}

func writeRow(w io.Writer, cells []string) {
	for _, c := range cells {
		fmt.Fprintf(w, "| %s ", markdown.Replace(c))
	}
	fmt.Fprintln(w, "|")
}

// unsafeName is what may not stand in a file's name.
var unsafeName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// fileName makes a plot's file name out of a source's name.
func fileName(name string) string {
	return strings.TrimLeft(unsafeName.ReplaceAllString(name, "_"), ".")
}

//go:embed report.html.tmpl
var reportText string

var reportTemplate = template.Must(template.New("report").Parse(reportText))

// part of the page; Plot is made by this program out of escaped text.
type pagePart struct {
	Level int
	Title string
	Text  []string
	Head  []string
	Rows  [][]string
	Plot  template.HTML
}

func writeHTML(w io.Writer, doc []section, plots map[string]drawing) error {
	var parts []pagePart
	for _, s := range doc {
		p := pagePart{s.level, s.title, s.text, s.head, s.rows, ""}
		if d, ok := plots[s.plot]; ok && s.plot != "" {
			svg := d.svg
			if at := bytes.Index(svg, []byte("<svg")); at > 0 { // the XML head may not stand inside HTML
				svg = svg[at:]
			}
			p.Plot = template.HTML(svg)
		}
		parts = append(parts, p)
	}
	return reportTemplate.Execute(w, parts)
}

func (r *Replay) writeReports(dir string) error {
	plots, err := r.Summary.drawings()
	if err != nil {
		return err
	}
	for name, d := range plots {
		if err := replaceFile(filepath.Join(dir, "plots", fileName(name)+".png"), d.writePNG); err != nil {
			return err
		}
	}
	doc := r.Summary.document(true)
	if err := replaceFile(filepath.Join(dir, "summary.md"), func(w io.Writer) error { return writeMarkdown(w, doc) }); err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, "report.html"), func(w io.Writer) error { return writeHTML(w, doc, plots) })
}
