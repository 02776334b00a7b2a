package scoring

// measuredCell is one of our own measurements on an item's scale.
type measuredCell struct {
	item     *latentItem
	z        float64
	score    float64 // 0..1
	sampling float64 // variance of z from the finite number of questions
	source   string
}
