using Xunit.Sdk;
using Xunit.v3;

// The map that instrumented code counts in is one a process.
[assembly: Parallelization(Mode = ParallelMode.None)]
