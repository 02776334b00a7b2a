//go:build ignore

// Make merges the source tables into the files of this folder:
//
//	go run models/data/make.go SOURCEDIR
//
// from the module root writes models.csv, prices.csv, scores.csv, tiers.csv
// and conflicts.csv. README.md states the rules; providers.csv and anchors.csv
// are not made here.
package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	outDir = "models/data"
	// litellm is the file that flags.csv, media.csv and prices.csv come from.
	litellm = "BerriAI/litellm 1.106.2 model_prices_and_context_window_backup.json "
	// litellmDate is when its prices begin to hold: the package is of November
	// 2026, the day is not stated.
	litellmDate = "2026-11-01"
)

type record map[string]string

var modelColumns = strings.Fields(`id kind family region context max_input max_output vision tools
	parallel_tools json_schema audio_in audio_out pdf web_search prompt_caching cache_min_tokens
	system_message sampling logprobs n reasoning open_weights vector_size endpoints free deprecation
	price_source capability_source flags_source`)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run models/data/make.go SOURCEDIR")
	}
	src := os.Args[1]
	models, flags := read(src, "models.csv"), byID(read(src, "flags.csv"))
	media, prices := read(src, "media.csv"), read(src, "prices.csv")

	var rows, conflicts []record
	for _, m := range models {
		row, c := chatRow(m, flags[m["id"]])
		rows, conflicts = append(rows, row), append(conflicts, c...)
	}
	for _, m := range media {
		rows = append(rows, mediaRow(m))
	}
	slices.SortStableFunc(rows, func(a, b record) int {
		return cmp.Or(isMedia(a)-isMedia(b), strings.Compare(a["id"], b["id"]))
	})
	write("models.csv", modelColumns, rows)
	write("conflicts.csv", strings.Fields("id column served models_csv flags_csv"), conflicts)
	write("prices.csv", strings.Fields("id unit direction service_class from_tokens usd_per_million_units valid_from source"), priceRows(models, prices))
	write("scores.csv", strings.Fields("family benchmark score unit setting reporter source source_date variant"), scoreRows(read(src, "scores.csv")))
	write("tiers.csv", strings.Fields("id tier position cheapest_today"), read(src, "tiers.csv"))
}

// chatRow merges a row of models.csv with its row of flags.csv, if any.
func chatRow(m, f record) (row record, conflicts []record) {
	row = record{
		"id": m["id"], "kind": "chat", "family": m["model_family"], "region": m["region"],
		"parallel_tools": f["parallel_tools"], "audio_in": f["audio_in"], "audio_out": f["audio_out"],
		"pdf": f["pdf"], "web_search": f["web_search"], "prompt_caching": f["prompt_caching"],
		"cache_min_tokens": f["prompt_cache_min_tokens"], "system_message": f["system_messages"],
		"sampling": f["sampling_params"], "open_weights": m["open_weights"], "endpoints": f["endpoints"],
		"free": "false", "deprecation": f["deprecation_date"],
		"price_source": m["price_source"], "capability_source": m["capability_source"],
	}
	if f != nil {
		row["flags_source"] = litellm + f["litellm_key"]
	}
	if row["endpoints"] == "" && converseOnly(m["id"]) {
		row["endpoints"] = "/model/{modelId}/converse"
	}
	merge := func(column, a, b, served string) {
		row[column] = served
		if a != "" && b != "" && a != b {
			conflicts = append(conflicts, record{"id": m["id"], "column": column, "served": served, "models_csv": a, "flags_csv": b})
		}
	}
	for _, c := range []string{"vision", "tools", "json_schema"} {
		merge(c, m[c], f[c], denialWins(m[c], f[c]))
	}
	merge("reasoning", m["reasoning"], f["reasoning"], affirmationWins(m["reasoning"], f["reasoning"]))
	merge("max_output", m["max_output"], f["max_output_tokens"], smaller(m["max_output"], f["max_output_tokens"]))

	// The context is input and output together, max_input the input alone:
	// they differ by nature, and contradict only if the part exceeds the whole.
	row["context"], row["max_input"] = cmp.Or(m["context_window"], f["max_input_tokens"]), f["max_input_tokens"]
	if number(row["max_input"]) > number(row["context"]) {
		merge("max_input", m["context_window"], f["max_input_tokens"], m["context_window"])
	}
	return row, conflicts
}

// converseOnly: Bedrock serves these makers' models on its own API and not on
// Chat Completions (its table "API compatibility", read in November 2026).
func converseOnly(id string) bool {
	for _, maker := range []string{"amazon", "anthropic", "meta"} {
		if strings.HasPrefix(id, "bedrock/"+maker+".") {
			return true
		}
	}
	return false
}

func mediaRow(m record) record {
	return record{
		"id": m["id"], "kind": m["kind"], "max_input": m["max_input_tokens"], "vector_size": m["vector_size"],
		"free": "false", "deprecation": m["deprecation_date"], "capability_source": m["source"],
	}
}

// denialWins: a capability is claimed only if no source denies it.
func denialWins(a, b string) string {
	if a == "false" || b == "false" {
		return "false"
	}
	return cmp.Or(a, b)
}

// affirmationWins: a model thinks before it answers if any source says so,
// since what depends on it (hidden tokens, refused parameters) calls for care.
func affirmationWins(a, b string) string {
	if a == "true" || b == "true" {
		return "true"
	}
	return cmp.Or(a, b)
}

func smaller(a, b string) string {
	if a == "" || (b != "" && number(b) < number(a)) {
		return b
	}
	return a
}

// priceRows gives the base prices of models.csv, then those of prices.csv,
// model by model in the order of models.csv.
func priceRows(models, prices []record) []record {
	var rows []record
	for _, m := range models {
		date := m["price_date"]
		if date == "undated" {
			date = ""
		}
		for _, c := range [][2]string{{"input_usd_per_m", "in"}, {"output_usd_per_m", "out"}, {"cached_input_usd_per_m", "cache_read"}} {
			if m[c[0]] != "" {
				rows = append(rows, record{"id": m["id"], "unit": "token", "direction": c[1], "service_class": "standard",
					"from_tokens": "0", "usd_per_million_units": m[c[0]], "valid_from": date, "source": m["price_source"]})
			}
		}
	}
	for _, p := range prices {
		p["valid_from"] = litellmDate
		rows = append(rows, p)
	}
	slices.SortStableFunc(rows, func(a, b record) int { return strings.Compare(a["id"], b["id"]) })
	return rows
}

func scoreRows(scores []record) []record {
	for _, s := range scores {
		s["family"] = s["model_family"]
	}
	return scores
}

func isMedia(r record) int {
	if r["kind"] == "chat" {
		return 0
	}
	return 1
}

func number(s string) int {
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		log.Fatalf("%q is no number", s)
	}
	return n
}

func byID(rows []record) map[string]record {
	m := map[string]record{}
	for _, r := range rows {
		m[r["id"]] = r
	}
	return m
}

func read(dir, name string) []record {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	var rows []record
	for _, cells := range all[1:] {
		r := record{}
		for i, c := range cells {
			switch all[0][i] {
			case "context_window", "max_output", "max_input_tokens", "max_output_tokens":
				c = strings.TrimSuffix(c, ".0") // some counts were written as floats
			}
			r[all[0][i]] = c
		}
		rows = append(rows, r)
	}
	return rows
}

func write(name string, columns []string, rows []record) {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write(columns)
	for _, r := range rows {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = r[c]
		}
		w.Write(cells)
	}
	w.Flush()
	if err := os.WriteFile(filepath.Join(outDir, name), []byte(b.String()), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d rows\n", name, len(rows))
}
