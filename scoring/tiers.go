package scoring

import "time"

// Tier is one of the three public classes of models.
type Tier string

// The public tiers. A family outside all of them has tier "".
const (
	Flagship  Tier = "flagship"
	CheapFast Tier = "cheap-fast"
	Reasoning Tier = "reasoning"
)

// AllTiers in the order in which they are shown.
var AllTiers = []Tier{Flagship, CheapFast, Reasoning}

// Evidence says what a tier table rests on.
type Evidence string

// The kinds of evidence; they never mix in one table.
const (
	Published Evidence = "published" // leaderboards and vendors' figures only
	Measured  Evidence = "measured"  // our own runs against real endpoints as well
	Sim       Evidence = "sim"       // our own runs against simulated models
)

// Tiers is the content of tiers.json, version 1: the one file that the eval
// side writes and the router loads. Unknown fields survive a read and a write.
type Tiers struct {
	Schema    int               `json:"schema"`
	ID        string            `json:"id"`
	Parent    string            `json:"parent"`
	CreatedAt time.Time         `json:"created_at"`
	Evidence  Evidence          `json:"evidence"`
	RunIDs    []string          `json:"run_ids"`
	SHA256    string            `json:"sha256"`
	ScaleID   string            `json:"scale_id"`
	Bands     map[Tier]Band     `json:"bands"`
	Families  map[string]Family `json:"families"`

	extra map[string]any // unknown fields of the file, kept as they were
}

// Band is the configured range of a tier.
type Band struct {
	// MinCapability and MaxCapability bound the 0..100 capability score.
	MinCapability float64 `json:"min_capability"`
	MaxCapability float64 `json:"max_capability"`
	// Anchors are the benchmark figures that define the band, in percent.
	Anchors map[string]float64 `json:"anchors,omitempty"`
}

// Family is the placement of one family of weights with its evidence.
type Family struct {
	Tier          Tier               `json:"tier"`
	Placement     string             `json:"placement"`  // "hand" or "computed"
	Capability    float64            `json:"capability"` // 0..100
	Lo            float64            `json:"lo"`         // 95 % interval of Capability
	Hi            float64            `json:"hi"`
	Overseas      float64            `json:"overseas"` // 0..100, 60 % of Capability
	Chinese       float64            `json:"chinese"`  // 0..100, 40 % of Capability
	ObservedShare float64            `json:"observed_share"`
	Abilities     map[string]Ability `json:"abilities"` // "general" is always there
	HandTier      Tier               `json:"hand_tier,omitempty"`
	ComputedTier  Tier               `json:"computed_tier,omitempty"`
	PTier         map[Tier]float64   `json:"p_tier,omitempty"`
	Hold          *Hold              `json:"hold,omitempty"`
	Hosts         map[string]Host    `json:"hosts,omitempty"` // by "provider/model"
	Reasons       []string           `json:"reasons,omitempty"`

	extra map[string]any
}

// Ability is a latent strength with its uncertainty, both in logits on the
// scale of prompt difficulty.
type Ability struct {
	Theta float64 `json:"theta"`
	SD    float64 `json:"sd"`
}

// Host is what is particular to one provider's copy of a family.
type Host struct {
	Offset   float64 `json:"offset"` // logits added to the family's abilities
	SD       float64 `json:"sd"`
	Tier     Tier    `json:"tier,omitempty"` // overrides the family's
	HandTier Tier    `json:"hand_tier,omitempty"`
	Hold     *Hold   `json:"hold,omitempty"`
	// Untiered says that this host is in no tier although its family is in one.
	Untiered bool `json:"untiered,omitempty"`

	extra map[string]any
}

// Hold pins a tier by hand until a date, whatever the evidence says.
type Hold struct {
	Tier   Tier      `json:"tier"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}
