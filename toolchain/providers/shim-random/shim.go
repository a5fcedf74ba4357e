// Package shim hands out the Terraform random provider, whose own Go package is internal. Its module
// path lies below the provider's: Go then allows the import.
package shim

import (
	"github.com/hashicorp/terraform-plugin-framework/provider"
	random "github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// NewProvider returns the Terraform random provider.
func NewProvider() provider.Provider {
	return random.New()
}
