// Command pulumi-resource-random is the Pulumi random provider: the Terraform random provider behind
// the Terraform bridge, under the resource types and property names of PyPI's pulumi-random.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"
	bridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/terraform-providers/terraform-provider-random/shim"
)

// version is set by the linker (-X main.version=…): toolchain/versions.py has it.
var version = "0.0.0"

const (
	pkg = "random"
	mod = "index"
)

func resource(name string) *bridge.ResourceInfo {
	return &bridge.ResourceInfo{Tok: bridge.MakeResource(pkg, mod, name)}
}

func providerInfo() bridge.ProviderInfo {
	// The one resource of this provider without an id of its own.
	randomBytes := resource("RandomBytes")
	randomBytes.ComputeID = bridge.DelegateIDField("base64", pkg, "https://github.com/pulumi/pulumi-random")
	return bridge.ProviderInfo{
		P:       tfbridge.ShimProvider(shim.NewProvider()),
		Name:    pkg,
		Version: version,
		// Without metadata the provider builds, and fails when it is first used.
		MetadataInfo: bridge.NewProviderMetadata([]byte("{}")),
		// The generator looks for the provider's documentation there; there is none, and it needs none.
		UpstreamRepoPath: ".",
		Resources: map[string]*bridge.ResourceInfo{
			"random_bytes":    randomBytes,
			"random_id":       resource("RandomId"),
			"random_integer":  resource("RandomInteger"),
			"random_password": resource("RandomPassword"),
			"random_pet":      resource("RandomPet"),
			"random_shuffle":  resource("RandomShuffle"),
			"random_string":   resource("RandomString"),
			"random_uuid":     resource("RandomUuid"),
			"random_uuid4":    resource("RandomUuid4"),
			"random_uuid7":    resource("RandomUuid7"),
		},
	}
}

func main() {
	ctx := context.Background()
	info := providerInfo()
	// The engine reads the provider's port from the first line of stdout: everything else goes to stderr.
	sink := diag.DefaultSink(os.Stderr, os.Stderr, diag.FormatOptions{Color: colors.Never})
	generated, err := tfgen.GenerateSchema(ctx, tfgen.GenerateSchemaOptions{
		ProviderInfo:    info,
		DiagnosticsSink: sink,
		XInMemoryDocs:   true,
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-resource-random: its schema cannot be generated: %v\n", err)
		os.Exit(1)
	}
	tfbridge.Main(ctx, pkg, info, generated.ProviderMetadata)
}
