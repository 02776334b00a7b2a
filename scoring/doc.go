// Package scoring turns evidence into numbers a router can act on: published
// benchmark figures and our own measurements become one ability per family of
// weights with its uncertainty (Score), a public 0..100 capability, and a tier
// (Publish, Retier). The result is Tiers, the content of tiers.json, which the
// eval side writes and the router loads.
//
// Everything is a pure function of its arguments; only ReadFile and WriteFile
// touch the disk. Read in this order: tiers.go (what comes out), item.go and
// cell.go (what goes in), latent.go (the model), profile.go and kin.go
// (what kin and like benchmarks add), blend.go (the 0..100 number),
// capability.go and ability.go (where a family is stronger or weaker), link.go
// (its scale), band.go and publish.go (tiers), retier.go (what a night
// of measurements changes), decode.go and encode.go (the file).
package scoring
