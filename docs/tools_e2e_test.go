//go:build unix && e2e

package docs_test

// withTools: pages that need tools from outside are run, too.
const withTools = true
