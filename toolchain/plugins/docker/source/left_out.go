package provider

import "github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"

// The provider is built without the types that the program does not use, since what they need (buildx, BuildKit,
// Kubernetes) takes a hundred seconds to compile. It knows no more of them than their names. A type that comes into use
// leaves this list, and what it needs joins the list `files`.
func leftOut() *schema.Resource { return &schema.Resource{} }

var (
	dataSourceDockerImage                  = leftOut
	dataSourceDockerLogs                   = leftOut
	dataSourceDockerNetwork                = leftOut
	dataSourceDockerPlugin                 = leftOut
	dataSourceDockerRegistryImage          = leftOut
	dataSourceDockerRegistryImageManifests = leftOut
	resourceDockerBuildxBuilder            = leftOut
	resourceDockerContainer                = leftOut
	resourceDockerImage                    = leftOut
	resourceDockerPlugin                   = leftOut
	resourceDockerRegistryImage            = leftOut
	resourceDockerSecret                   = leftOut
	resourceDockerTag                      = leftOut
	resourceDockerVolume                   = leftOut
)

// suppressIfPortsDidNotChangeForMigrationV0ToV1 belongs to the container, whose migrations are here for the service's sake.
func suppressIfPortsDidNotChangeForMigrationV0ToV1() schema.SchemaDiffSuppressFunc { return nil }
