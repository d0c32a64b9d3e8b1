using Xunit.Sdk;
using Xunit.v3;

// Each test has processes of its own, which wait more than they work: two at a time use the processors of a small machine.
[assembly: Parallelization(Mode = ParallelMode.Collections, MaxThreads = 2)]
