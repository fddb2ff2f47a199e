package handshake

import "slices"

// ChooseVersion picks the app version a plugin serves: the highest of its own
// that the host offered, and true. With none in common, or no offer at all, it
// is the plugin's lowest, and false; the plugin prints it all the same and the
// host reports the mismatch. Without own versions it is 0 and false. Order and
// duplicates do not matter, and neither slice is changed. See the go-plugin
// contract, section 2.
func ChooseVersion(own, offered []int) (version int, matched bool) {
	if len(own) == 0 {
		return 0, false
	}
	for _, v := range own {
		if slices.Contains(offered, v) && (!matched || v > version) {
			version, matched = v, true
		}
	}
	if !matched {
		version = slices.Min(own)
	}
	return version, matched
}
