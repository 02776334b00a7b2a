package savings

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"assay/models"
)

// usageRow is one line of a usage export.
type usageRow struct {
	line                            int
	model, serviceClass             string
	class                           Class
	hasClass, named                 bool
	requests, input, cached, output int64
	cost                            Money
	hasCost                         bool
}

// columns maps what exports call a column to what we do. The second names are
// those of OpenAI's usage API and its CSV, the third of its older activity
// export and of API answers.
var columns = map[string]string{
	"model": "model", "snapshot_id": "model",
	"requests": "requests", "num_model_requests": "requests", "n_requests": "requests", "num_requests": "requests",
	"input_tokens": "input_tokens", "n_context_tokens_total": "input_tokens", "prompt_tokens": "input_tokens",
	"cached_tokens": "cached_tokens", "input_cached_tokens": "cached_tokens", "n_cached_context_tokens_total": "cached_tokens",
	"output_tokens": "output_tokens", "n_generated_tokens_total": "output_tokens", "completion_tokens": "output_tokens",
	"cost_usd": "cost_usd", "named": "named", "class": "class", "batch": "batch",
	"service_class": "service_class", "service_tier": "service_class",
	"input_audio_tokens": "input_audio_tokens", "output_audio_tokens": "output_audio_tokens",
}

// required columns of every row.
var required = []string{"model", "requests", "input_tokens", "output_tokens"}

const (
	maxUsageLine = 1 << 20 // of JSONL, in bytes
	maxName      = 200     // of a model, in bytes
)

// readUsage reads a usage export, row by row. format is "csv", "jsonl", or ""
// to tell by the first character. Columns that no rule needs are ignored.
func readUsage(r io.Reader, format string) ([]usageRow, error) {
	in := bufio.NewReader(r)
	if bom, _ := in.Peek(3); string(bom) == "\ufeff" {
		_, _ = in.Discard(3)
	}
	if format == "" {
		format = "csv"
		if lead, _ := in.Peek(512); bytes.HasPrefix(bytes.TrimSpace(lead), []byte("{")) {
			format = "jsonl"
		}
	}
	var rows []usageRow
	var err error
	switch format {
	case "csv":
		rows, err = readCSV(in)
	case "jsonl":
		rows, err = readJSONL(in)
	default:
		return nil, Errorf("format", "%q; want csv or jsonl", format)
	}
	if err == nil && len(rows) == 0 {
		err = Errorf("import", "no line of usage in it")
	}
	return rows, err
}

// appendRow reads the cells of a line. Lines without any usage, as exports
// write for quiet days, are left out.
func appendRow(rows []usageRow, line int, cells map[string]string) ([]usageRow, error) {
	row := usageRow{line: line, model: cells["model"], serviceClass: models.ClassStandard}
	blame := func(err error) error {
		var in *InputError
		if errors.As(err, &in) {
			in.Line = line
		}
		return err
	}
	for _, c := range []struct {
		name string
		to   *int64
	}{{"requests", &row.requests}, {"input_tokens", &row.input}, {"cached_tokens", &row.cached}, {"output_tokens", &row.output}} {
		text := cells[c.name]
		if text == "" && (c.name == "cached_tokens" || row.model == "") {
			continue
		}
		if text == "" {
			return nil, lineErrorf(line, c.name, "missing")
		}
		n, err := count(c.name, text)
		if err != nil {
			return nil, blame(err)
		}
		*c.to = n
	}
	if err := row.readRest(cells); err != nil {
		return nil, blame(err)
	}
	switch tokens := row.input > 0 || row.output > 0; {
	case !tokens && row.requests == 0 && row.cost == 0:
		return rows, nil
	case row.model == "":
		return nil, lineErrorf(line, "model", "missing; export the usage grouped by model")
	case len(row.model) > maxName:
		return nil, lineErrorf(line, "model", "a name of %d bytes; at most %d", len(row.model), maxName)
	case row.cached > row.input:
		return nil, lineErrorf(line, "cached_tokens", "%d of %d input tokens", row.cached, row.input)
	case row.requests == 0:
		return nil, lineErrorf(line, "requests", "0, but there is usage")
	case row.hasCost && row.cost == 0 && tokens:
		return nil, lineErrorf(line, "cost_usd", "0 for %d tokens: leave it empty if it is not known; if the model was free, give its price as 0/0", row.input+row.output)
	}
	return append(rows, row), nil
}

// readRest reads the columns that are no counts.
func (row *usageRow) readRest(cells map[string]string) (err error) {
	for _, audio := range []string{"input_audio_tokens", "output_audio_tokens"} {
		if s := cells[audio]; s != "" && s != "0" {
			return Errorf(audio, "%s: audio tokens have prices of their own and are not compared here; leave such lines out", s)
		}
	}
	if row.named, err = boolean("named", cells["named"]); err != nil {
		return err
	}
	if s := cells["class"]; s != "" {
		if row.class, err = parseClass("class", s); err != nil {
			return err
		}
		row.hasClass = true
	}
	batch, err := boolean("batch", cells["batch"])
	if err != nil {
		return err
	}
	switch s := strings.ToLower(cells["service_class"]); s {
	case "", "auto", "default", models.ClassStandard:
	case models.ClassBatch, models.ClassFlex, models.ClassPriority:
		row.serviceClass = s
	default:
		return Errorf("service_class", "%q; want standard, batch, flex or priority", s)
	}
	if batch {
		row.serviceClass = models.ClassBatch
	}
	if s := cells["cost_usd"]; s != "" {
		row.hasCost = true
		row.cost, err = dollars("cost_usd", s)
	}
	return err
}

// dollars reads a plain decimal with any number of decimals, rounded half up
// to nano-dollars: billing exports write more than nine.
func dollars(field, s string) (Money, error) {
	if !plainDecimal.MatchString(s) {
		return 0, Errorf(field, "%q is no plain decimal number of dollars such as 0.25", s)
	}
	x, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, fmt.Errorf("read %q", s) // the pattern admits nothing that fails here
	}
	x.Mul(x, big.NewRat(1_000_000_000, 1)).Add(x, big.NewRat(1, 2))
	n := new(big.Int).Quo(x.Num(), x.Denom())
	if !n.IsInt64() {
		return 0, Errorf(field, "%s is too large", s)
	}
	return Money(n.Int64()), nil
}
