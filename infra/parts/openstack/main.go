// The OpenStack provider for Pulumi, for machines without the official one: the Terraform provider behind Pulumi's
// bridge, with those kinds of resource that a site is made of. Names of kinds and fields are the official ones.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-provider-openstack/terraform-provider-openstack/v3/openstack"
)

// The release of the official provider whose names these are.
const version = "5.5.3"

var kinds = map[string]tokens.Type{
	"openstack_blockstorage_volume_v3":         "openstack:blockstorage/volume:Volume",
	"openstack_compute_instance_v2":            "openstack:compute/instance:Instance",
	"openstack_compute_keypair_v2":             "openstack:compute/keypair:Keypair",
	"openstack_compute_servergroup_v2":         "openstack:compute/serverGroup:ServerGroup",
	"openstack_compute_volume_attach_v2":       "openstack:compute/volumeAttach:VolumeAttach",
	"openstack_networking_floatingip_v2":       "openstack:networking/floatingIp:FloatingIp",
	"openstack_networking_network_v2":          "openstack:networking/network:Network",
	"openstack_networking_port_v2":             "openstack:networking/port:Port",
	"openstack_networking_router_interface_v2": "openstack:networking/routerInterface:RouterInterface",
	"openstack_networking_router_v2":           "openstack:networking/router:Router",
	"openstack_networking_secgroup_rule_v2":    "openstack:networking/secGroupRule:SecGroupRule",
	"openstack_networking_secgroup_v2":         "openstack:networking/secGroup:SecGroup",
	"openstack_networking_subnet_v2":           "openstack:networking/subnet:Subnet",
}

func provider() tfbridge.ProviderInfo {
	terraform := openstack.Provider()
	resources := map[string]*tfbridge.ResourceInfo{}
	for name := range terraform.ResourcesMap {
		if token, used := kinds[name]; used {
			resources[name] = &tfbridge.ResourceInfo{Tok: token}
		} else {
			delete(terraform.ResourcesMap, name)
		}
	}
	clear(terraform.DataSourcesMap)
	return tfbridge.ProviderInfo{
		P: shim.NewProvider(terraform), Name: "openstack", Version: version, Resources: resources,
		DataSources:  map[string]*tfbridge.DataSourceInfo{},
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
	}
}

func main() {
	schema := []byte(`{"name": "openstack", "version": "` + version + `"}`)
	tfbridge.Main("openstack", version, provider(), schema)
}
