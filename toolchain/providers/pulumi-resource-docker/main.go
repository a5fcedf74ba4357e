// Command pulumi-resource-docker is the Pulumi docker provider: the Terraform docker provider behind
// the Terraform bridge, under the resource types and property names of PyPI's pulumi-docker.
//
// The native docker.Image (docker:index/image:Image) is not part of it: use RemoteImage with build.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/terraform-providers/terraform-provider-docker/shim"
)

// version is set by the linker (-X main.version=…): toolchain/versions.py has it.
var version = "0.0.0"

const (
	pkg = "docker"
	mod = "index"
)

func resource(name string, fields map[string]*tfbridge.SchemaInfo) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{Tok: tfbridge.MakeResource(pkg, mod, name), Fields: fields}
}

func function(name string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tfbridge.MakeDataSource(pkg, mod, name)}
}

// keep gives a property the name the Python SDK knows it by, where the bridge would make a plural of it.
func keep(name string) *tfbridge.SchemaInfo {
	return &tfbridge.SchemaInfo{Name: name}
}

func providerInfo() tfbridge.ProviderInfo {
	several := false // as a block that may occur once only, registryAuth would lose its list
	container := resource("Container", map[string]*tfbridge.SchemaInfo{
		"command":           keep("command"),
		"networks_advanced": keep("networksAdvanced"),
	})
	// A container's name is unique in the engine: created first, the replacement would collide with it.
	container.DeleteBeforeReplace = true
	info := tfbridge.ProviderInfo{
		P:       sdkv2.NewProvider(shim.NewProvider(version)),
		Name:    pkg,
		Version: version,
		Config: map[string]*tfbridge.SchemaInfo{
			"host":          {Default: &tfbridge.DefaultInfo{EnvVars: []string{"DOCKER_HOST"}}},
			"registry_auth": {Name: "registryAuth", MaxItemsOne: &several},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_buildx_builder": resource("BuildxBuilder", nil),
			"docker_config":         resource("ServiceConfig", nil),
			"docker_container":      container,
			// With a field of its own, name is left alone by SetAutonaming: an image's must be given.
			"docker_image":          resource("RemoteImage", map[string]*tfbridge.SchemaInfo{"name": keep("name")}),
			"docker_network":        resource("Network", nil),
			"docker_plugin":         resource("Plugin", nil),
			"docker_registry_image": resource("RegistryImage", nil),
			"docker_secret":         resource("Secret", nil),
			"docker_service":        resource("Service", nil),
			"docker_tag":            resource("Tag", nil),
			"docker_volume":         resource("Volume", nil),
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"docker_image":                    function("getRemoteImage"),
			"docker_logs":                     function("getLogs"),
			"docker_network":                  function("getNetwork"),
			"docker_plugin":                   function("getPlugin"),
			"docker_registry_image":           function("getRegistryImage"),
			"docker_registry_image_manifests": function("getRegistryImageManifests"),
		},
	}
	info.SetAutonaming(255, "-")
	return info
}

func main() {
	tfbridge.Main(pkg, version, providerInfo(), []byte("{}"))
}
