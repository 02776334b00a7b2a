// Package replay scores routing policies offline, on recorded outcomes: what
// quality the product's own policy gets for which money on prompts that it was
// not fitted to, beside the best single model, random, nearest neighbours and
// an oracle.
package replay
