package scoring

import (
	"math"

	"assay/models"
)

// blendedPrice is a model's current list price in USD per million tokens of a
// mix of three parts input and one part output; ok is false if it is unknown
// or zero.
func blendedPrice(m models.Model) (usd float64, ok bool) {
	in, okIn := listPrice(m, models.In)
	out, okOut := listPrice(m, models.Out)
	usd = (3*in + out) / 4
	return usd, okIn && okOut && usd > 0
}

// listPrice gives the newest standard token price of one direction for short
// prompts, USD per million tokens.
func listPrice(m models.Model, d models.Direction) (usd float64, ok bool) {
	for _, p := range m.Prices { // oldest first
		if p.Unit == "token" && p.Direction == d && p.FromTokens == 0 &&
			(p.ServiceClass == "" || p.ServiceClass == "standard") {
			usd, ok = float64(p.NanoUSDPerMillion)/1e9, true
		}
	}
	return usd, ok
}

// familyPrices gives the median blended price over a family's hosts.
func familyPrices(catalogue []models.Model) map[string]float64 {
	all := map[string][]float64{}
	for _, m := range catalogue {
		if usd, ok := blendedPrice(m); ok && m.Kind == models.Chat {
			all[m.Family] = append(all[m.Family], usd)
		}
	}
	out := map[string]float64{}
	for f, xs := range all {
		out[f] = median(xs)
	}
	return out
}

// centredPrices gives log prices by family around the catalogue's median.
func centredPrices(catalogue []models.Model) map[string]float64 {
	prices := familyPrices(catalogue)
	var logs []float64
	for _, usd := range prices {
		logs = append(logs, math.Log(usd))
	}
	out := map[string]float64{}
	for f, usd := range prices {
		out[f] = math.Log(usd) - median(logs)
	}
	return out
}
