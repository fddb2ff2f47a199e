// Package load calls something over and over and tells how long it took: in a
// closed loop, where each worker calls again as soon as it is answered, or in an
// open one, where calls are due at moments that were fixed before.
//
//	result, err := load.Run(ctx, load.Plan{Workers: 50, Duration: 10 * time.Second},
//		func(context.Context, int) (load.Call, error) {
//			return func(ctx context.Context) error { _, err := echo.Unary(ctx, message); return err }, nil
//		})
//
// In an open loop the latency of a call counts from the moment at which it was
// due, whether or not a worker was free then. A server that stops for a moment
// is thus seen by all calls that were due meanwhile, and not only by those that
// happened to be under way (the latter is known as coordinated omission). A
// closed loop cannot tell: what it reports is the latency that its workers saw,
// who waited together with the server. Which of the two was run is part of a
// Result, and one run is never both.
//
// Every call that was sent ends as one of three: answered, failed, or
// unfinished when the run gave up on it. In an open loop there are, besides,
// those that were due and never sent, for want of a free worker. What is
// unfinished or never sent has waited for some time all the same, and that time
// is in the distribution, as a lower bound: a server that hangs cannot improve
// its percentiles. The latency of failed calls is not: to fail is quick.
//
// A worker keeps its own counters and its own histogram, of which it is the only
// writer. Nothing is shared on the path of a call in a closed loop: no lock, no
// channel, no allocation. In an open loop one idle worker at a time holds a lock
// while it waits for the next moment, and lets go of it before it calls.
package load
