package replay

import "testing"

// On real data the words of unseen questions say something about which need
// the strong model.
func TestRealOutcomesOfMadeUpFolds(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: fits to real data take seconds")
	}
	rows, err := ReadDir(sharedData(t), []string{"routellm_gsm8k"})
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, rows)
	o.Features, o.Folds = Features{Words: true}, 3
	r := run(t, o)
	s := r.Summary.Sources[0]
	if s.N != 517 || s.Money.Kind != Estimated || s.Duel == nil {
		t.Fatalf("%d tested, money %+v, duel %s", s.N, s.Money, s.DuelWhy)
	}
	if apgr := s.Duel.Policies[0].APGR; apgr < 0.52 || apgr > 0.7 {
		t.Errorf("APGR %v; random has 0.5", apgr)
	}
	if len(s.BelowSingle.Violations) > 0 {
		t.Errorf("surely below a single model: %+v", s.BelowSingle.Violations)
	}
}
