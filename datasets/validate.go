package datasets

import (
	"fmt"
	"strings"
)

// KindOf guesses the kind of an item from the fields it has; "" if none fits.
func KindOf(s Sample) Kind {
	has := func(name string) bool { _, ok := s.Fields[name]; return ok }
	switch {
	case has("instruction_id_list"):
		return IFEval
	case has("turns"):
		return Open
	case has("test") || has("test_list"):
		return Code
	case has("choices"):
		return MC
	case has("level") || has("solution"):
		return Math
	case has("question") && has("answer"), has("prompt"):
		return QA // a bare prompt is how chain-of-thought exemplars come
	}
	return ""
}

// Validate checks that an item has what its kind needs. The error names the
// field, not the file: Load adds that.
func (s Sample) Validate(kind Kind) error {
	if strings.TrimSpace(s.ID) == "" {
		return fmt.Errorf("field %q is missing or empty", "id")
	}
	var err error
	switch kind {
	case MC:
		err = s.validateChoices()
	case Math:
		err = s.need("question", "answer")
	case QA:
		if _, bare := s.Fields["prompt"]; bare {
			err = s.need("prompt")
		} else {
			err = s.need("question", "answer")
		}
	case Code:
		err = s.need("prompt")
	case IFEval:
		err = s.need("prompt")
		if err == nil {
			err = s.needList("instruction_id_list")
		}
	case Open:
		err = s.needList("turns")
	default:
		err = fmt.Errorf("unknown kind %q: want one of %v", kind, Kinds)
	}
	if err != nil {
		return fmt.Errorf("item %q (%s): %w", s.ID, kind, err)
	}
	return nil
}

func (s Sample) validateChoices() error {
	if err := s.need("question", "answer"); err != nil {
		return err
	}
	if len(s.Choices) < 2 || len(s.Choices) > len(Letters) {
		return fmt.Errorf("field %q: want 2 to %d choices, got %d", "choices", len(Letters), len(s.Choices))
	}
	for i, c := range s.Choices {
		if strings.TrimSpace(c) == "" {
			return fmt.Errorf("field %q: choice %c is empty", "choices", Letters[i])
		}
	}
	if s.AnswerIndex() < 0 {
		return fmt.Errorf("field %q: %q is not one of the letters A to %c", "answer", s.Answer, Letters[len(s.Choices)-1])
	}
	return nil
}

func (s Sample) need(names ...string) error {
	for _, name := range names {
		var text string
		if ok, err := s.Field(name, &text); err != nil {
			return fmt.Errorf("field %q: want a string", name)
		} else if !ok || strings.TrimSpace(text) == "" {
			return fmt.Errorf("field %q is missing or empty", name)
		}
	}
	return nil
}

func (s Sample) needList(name string) error {
	var list []string
	if ok, err := s.Field(name, &list); err != nil {
		return fmt.Errorf("field %q: want a list of strings", name)
	} else if !ok || len(list) == 0 {
		return fmt.Errorf("field %q is missing or empty", name)
	}
	return nil
}
