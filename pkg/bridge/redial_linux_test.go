package bridge_test

// canRedialWithoutFile is whether a socket is reached whose file was removed.
const canRedialWithoutFile = true
