using Xunit.Sdk;
using Xunit.v3;

// Each test has processes of its own, with fsyncs and kills that would slow down the others past their limits.
[assembly: Parallelization(Mode = ParallelMode.None)]
