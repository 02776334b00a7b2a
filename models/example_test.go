package models_test

import (
	"fmt"
	"time"

	"assay/models"
)

func Example() {
	c, err := models.Embedded()
	if err != nil {
		fmt.Println(err)
		return
	}
	m, _ := c.Model("deepseek/deepseek-v4-flash")
	at := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	in, out, _ := m.BasePrice(at)
	fmt.Printf("$%s in, $%s out per million tokens\n", models.FormatUSD(in), models.FormatUSD(out))

	cost, known := m.Cost(models.Usage{Input: 1200, CacheRead: 1000, Output: 300}, models.ClassStandard, at)
	fmt.Printf("$%s %v\n", models.FormatUSD(cost), known)
	fmt.Println(c.Nearest("deepseek-v4", 2))
	// Output:
	// $0.3 in, $1.2 out per million tokens
	// $0.000426 true
	// [deepseek/deepseek-v4-pro fireworks/accounts/fireworks/models/deepseek-v4-pro]
}
