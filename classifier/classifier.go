// Package classifier holds the vocabulary in which the rest of Assay talks
// about a prompt: what the user wants (Intent), how hard it is (Level, and the
// continuous Difficulty b on the scale of model ability), and how sure we are.
//
// The package itself runs no model. Package classifier/onnx does; the Heuristic
// function here is what answers when no model can. Start with Classification.
package classifier

import (
	"fmt"
	"strings"
)

// Intent is the main thing a user wants done, whatever the subject or language.
type Intent string

// The sixteen intents.
const (
	Chitchat          Intent = "chitchat"
	KnowledgeQA       Intent = "knowledge_qa"
	Math              Intent = "math"
	Reasoning         Intent = "reasoning"
	CodeGeneration    Intent = "code_generation"
	CodeUnderstanding Intent = "code_understanding"
	Writing           Intent = "writing"
	RewriteEdit       Intent = "rewrite_edit"
	Summarization     Intent = "summarization"
	Translation       Intent = "translation"
	Extraction        Intent = "extraction"
	Classify          Intent = "classification"
	ReadingQA         Intent = "reading_qa"
	AdviceBrainstorm  Intent = "advice_brainstorm"
	Roleplay          Intent = "roleplay"
	ToolUse           Intent = "tool_use"
)

// Intents lists every intent in the order of the model's output classes:
// Intents[i] is class i. Trained weights depend on this order.
var Intents = []Intent{
	Chitchat, KnowledgeQA, Math, Reasoning, CodeGeneration, CodeUnderstanding,
	Writing, RewriteEdit, Summarization, Translation, Extraction, Classify,
	ReadingQA, AdviceBrainstorm, Roleplay, ToolUse,
}

// Level is the weakest class of model expected to satisfy the user with
// probability at least 0.7: 1 (a 7B model of 2023) to 5 (a reasoning model).
type Level int

// Levels and the bounds between them, in logits of difficulty b.
const (
	L1 Level = 1 + iota
	L2
	L3
	L4
	L5
)

// LevelBounds are the difficulties at which one level ends and the next begins:
// L1 below LevelBounds[0], L5 above LevelBounds[3].
var LevelBounds = [4]float64{-1.85, -0.75, 0.85, 2.05}

// LevelOf gives the level whose interval holds difficulty b (logits).
func LevelOf(b float64) Level {
	for i, bound := range LevelBounds {
		if b < bound {
			return Level(i + 1)
		}
	}
	return L5
}

// String gives "L1" to "L5".
func (l Level) String() string { return fmt.Sprintf("L%d", int(l)) }

// ParseLevel reads "L1" to "L5".
func ParseLevel(s string) (Level, error) {
	if len(s) == 2 && s[0] == 'L' && s[1] >= '1' && s[1] <= '5' {
		return Level(s[1] - '0'), nil
	}
	return 0, fmt.Errorf("level %q: want L1, L2, L3, L4 or L5", s)
}

// MarshalText writes a level as "L3".
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads "L3".
func (l *Level) UnmarshalText(b []byte) error {
	v, err := ParseLevel(string(b))
	if err == nil {
		*l = v
	}
	return err
}

// Input is everything about a request that classification may look at.
type Input struct {
	Messages []Message
	// Tools is the number of tools or functions the request offers.
	Tools int
}

// Message is one turn of the conversation, text parts joined by newlines.
type Message struct {
	Role   string // "system", "developer", "user", "assistant" or "tool"
	Text   string
	Images int // image parts beside the text
}

// Images counts the image parts of the whole input.
func (in Input) Images() int {
	n := 0
	for _, m := range in.Messages {
		n += m.Images
	}
	return n
}

// Prompt wraps a bare prompt as the single user message of an Input.
func Prompt(text string) Input {
	return Input{Messages: []Message{{Role: "user", Text: text}}}
}

// LastUser gives the text of the last user message and its index, or -1.
func (in Input) LastUser() (string, int) {
	for i := len(in.Messages) - 1; i >= 0; i-- {
		if in.Messages[i].Role == "user" {
			return in.Messages[i].Text, i
		}
	}
	return "", -1
}

// Source says which stage produced a classification.
type Source string

// The sources, from cheapest model to last resort.
const (
	Fast       Source = "fast"      // the small embedding model
	Deep       Source = "deep"      // the transformer
	Heuristics Source = "heuristic" // no model ran
)

// Classification is what the router knows about a prompt.
type Classification struct {
	Intent           Intent  `json:"intent"`
	IntentConfidence float64 `json:"intent_confidence"` // probability, 0..1
	Level            Level   `json:"level"`
	Difficulty       float64 `json:"difficulty"`    // b, logits; moved up with Level by Raise, so Level == LevelOf(Difficulty)
	DifficultySD     float64 `json:"difficulty_sd"` // standard deviation of b, logits
	Source           Source  `json:"source"`
	Language         string  `json:"language"` // "zh" or "en": the script most of the text is in
	// Note says why a classification is not the model's plain answer ("timeout", "low confidence").
	Note string `json:"note,omitempty"`
	// Embedding of the text that was classified, where the deep stage read it;
	// not to be changed.
	Embedding []float32 `json:"-"`
}

// Language tells "zh" from "en" by the share of Han characters among letters.
// Han carries about as much text in one character as English in four, hence the weight.
func Language(text string) string {
	han, other := 0, 0
	for _, r := range text {
		switch {
		case r >= 0x4e00 && r <= 0x9fff || r >= 0x3400 && r <= 0x4dbf:
			han++
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			other++
		}
	}
	if han > 0 && han*4 >= other {
		return "zh"
	}
	return "en"
}

// ParseIntent reads an intent by name.
func ParseIntent(s string) (Intent, error) {
	for _, in := range Intents {
		if string(in) == s {
			return in, nil
		}
	}
	names := make([]string, len(Intents))
	for i, in := range Intents {
		names[i] = string(in)
	}
	return "", fmt.Errorf("intent %q: want one of %s", s, strings.Join(names, ", "))
}
