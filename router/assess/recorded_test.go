package assess

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recordedAnswer is an answer that some model, or an expert, gave to a prompt.
type recordedAnswer struct {
	set, id, lang string
	in            Input
	text          string
	right         bool // the official scorer calls it right, or it is the reference
}

// rows calls each for every JSON line of a data file below the data folder.
func rows(t *testing.T, name string, each func(row map[string]any)) {
	t.Helper()
	f, err := os.Open(filepath.Join(dataDir(), name+".jsonl.gz"))
	if err != nil {
		t.Skipf("no recorded answers here (set ASSAY_DATA to their folder): %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	lines := bufio.NewReaderSize(z, 1<<20)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return
		}
		var row map[string]any
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%s, line %d: %v", name, n, err)
		}
		each(row)
	}
}

func dataDir() string { return cmp.Or(os.Getenv("ASSAY_DATA"), "../../../shared/data") }

func field(row map[string]any, name string) string { s, _ := row[name].(string); return s }

func first(v any) string {
	if list, ok := v.([]any); ok && len(list) > 0 {
		s, _ := list[0].(string)
		return s
	}
	return ""
}

// gaokaoAsk stands before every question of GAOKAO-Bench's recording, which
// left its Chinese instruction out.
const gaokaoAsk = "请你做一道选择题，一步一步思考，把思考过程写在【解析】和<eoe>之间，把答案写在【答案】和<eoa>之间。\n"

// recordedAnswers gives every recorded output, and every answer that comes
// with an item as its reference, with its prompt.
func recordedAnswers(t *testing.T) []recordedAnswer {
	t.Helper()
	var all []recordedAnswer
	add := func(set, id, lang, prompt, text string, right bool) {
		if text != "" {
			all = append(all, recordedAnswer{set, id, lang, Input{Prompt: prompt}, text, right})
		}
	}
	questions := map[string]string{}
	for _, set := range []string{"mmlu_pro", "humaneval", "mt_bench"} {
		rows(t, "evalsets/"+set, func(r map[string]any) {
			questions[field(r, "id")] = cmp.Or(field(r, "question"), field(r, "prompt"), first(r["turns"]))
			add(set+" references", field(r, "id"), "en", questions[field(r, "id")], first(r["judge_reference"]), true)
			add(set+" references", field(r, "id"), "en", questions[field(r, "id")], field(r, "canonical_solution"), true)
		})
	}
	for _, set := range []string{"mmlu_pro.gpt-4o", "mmlu_pro.gemini-1.5-flash-002", "mmlu_pro.meta-llama-3_1-8b-instruct"} {
		rows(t, "recorded/"+set, func(r map[string]any) {
			add(set, field(r, "id"), "en", questions[field(r, "id")], field(r, "output"), field(r, "official_pred") == field(r, "answer"))
		})
	}
	for _, set := range []string{"bbh.code-davinci-002-cot", "bbh.code-davinci-002-direct"} {
		rows(t, "recorded/"+set, func(r map[string]any) {
			text := field(r, "prediction")
			right := strings.Contains(text, "answer is "+field(r, "target")) || text == field(r, "target")
			add(set, field(r, "id"), "en", field(r, "question"), text, right)
		})
	}
	for _, set := range []string{"humaneval.wizardcoder-15b", "humaneval.wizardcoder-33b-v1.1-vllm"} {
		rows(t, "recorded/"+set, func(r map[string]any) {
			raw := field(r, "raw")
			if _, after, ok := strings.Cut(raw, "### Response:"); ok {
				raw = after
			}
			add(set, field(r, "id"), "en", "Create a Python script for this problem:\n"+questions[field(r, "id")], raw, r["official_passed"] == true)
		})
	}
	rows(t, "recorded/gaokao.gpt-4-0314", func(r map[string]any) {
		add("gaokao.gpt-4-0314", field(r, "id"), "zh", gaokaoAsk+field(r, "question"), field(r, "output"), r["score"] != 0.0)
	})
	rows(t, "recorded/ifeval.gpt-4", func(r map[string]any) {
		strict := fmt.Sprint(r["strict"])
		add("ifeval.gpt-4", field(r, "id"), "en", field(r, "prompt"), field(r, "response"), !strings.Contains(strict, "false"))
	})
	rows(t, "recorded/mt_bench.gpt4-judgments", func(r map[string]any) {
		add("mt_bench.gpt4-judgments", field(r, "id"), "en", "Please act as an impartial judge and evaluate the quality of the response.", field(r, "judgment"), r["official_score"] != -1.0)
	})
	rows(t, "recorded/gsm8k.openai-models", func(r map[string]any) {
		for model, v := range r {
			if m, ok := v.(map[string]any); ok {
				add("gsm8k."+model, field(r, "id"), "en", field(r, "question"), field(m, "solution"), m["is_correct"] == true)
			}
		}
	})
	rows(t, "evalsets/alignbench", func(r map[string]any) {
		add("alignbench references", field(r, "id"), "zh", first(r["turns"]), first(r["reference"]), true)
	})
	rows(t, "evalsets/ceval.dev", func(r map[string]any) {
		add("ceval references", field(r, "id"), "zh", field(r, "question"), field(r, "explanation"), true)
	})
	rows(t, "evalsets/math500", func(r map[string]any) {
		add("math500 references", field(r, "id"), "en", field(r, "question"), field(r, "solution"), true)
	})
	return all
}
