// Package shim hands out the Terraform docker provider, whose own Go package is internal. Its module
// path lies below the provider's: Go then allows the import.
package shim

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// NewProvider returns the Terraform docker provider that calls itself version.
func NewProvider(version string) *schema.Provider {
	return provider.New(version)()
}
