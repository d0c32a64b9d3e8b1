using MailGrains.Storage.Sqlite.Tests;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// A test that needs a process in surroundings of its own starts this program again; else it is the entry point that xunit makes.
return args switch
{
    [ChildProcess.Verb, var part, var folder] => await ChildProcess.PlayAsync(part, folder),
    _ when args.Any(a => a is "--server" or "--internal-msbuild-node") =>
        await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    _ => await ConsoleRunner.Run(args),
};
