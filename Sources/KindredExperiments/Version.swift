// Kindred's own version.

/// Kindred's version, as results and `kindred --version` state it.
package let kindredVersion = "0.1.0"
