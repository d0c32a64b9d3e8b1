using System.Diagnostics;
using System.Globalization;
using MailGrains.Benchmarks.Scale;
using MailGrains.Testing.Hosts;

namespace MailGrains.Benchmarks.Logins;

/// <summary>One account logs in a thousand times a second, each time on a fresh connection: what part of a core the server needs for it.</summary>
internal static class LoginsCommand
{
    private const string User = "busy@bench.test";
    private const string Password = "logged in all the time";

    public static async Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var options = ScaleOptions.Parse(args, ("--rate", 1_000), ("--seconds", 10));
        var folder = Directory.CreateDirectory(Path.Combine(options.Folder, $"mailgrains-logins-{Environment.ProcessId}")).FullName;
        try
        {
            await using var host = await HostProcess.StartAsync(
                new HostOptions { DataFolder = Path.Combine(folder, "data"), LogFile = Path.Combine(folder, "log") }, cancellationToken);
            using (var admin = host.NewAdminClient())
            {
                await admin.PutMailboxesAsync("bench", [User], Password, cancellationToken);
            }

            var client = new LoginClient(host.Submission, User, Password);
            Console.WriteLine("| mechanism | logins/s | cores of the server | ms of CPU a login |");
            Console.WriteLine("|---|---:|---:|---:|");
            foreach (var (name, login) in new (string, Func<CancellationToken, Task>)[] { ("PLAIN", client.PlainAsync), ("SCRAM-SHA-256", client.ScramAsync) })
            {
                await RunAsync(login, options["--rate"], options["--seconds"], cancellationToken);
                var processor = host.ProcessorTime;
                var clock = Stopwatch.StartNew();
                var logins = await RunAsync(login, options["--rate"], options["--seconds"], cancellationToken);
                var (seconds, used) = (clock.Elapsed.TotalSeconds, (host.ProcessorTime - processor).TotalSeconds);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"| {name} | {logins / seconds:F0} | {used / seconds:F2} | {1_000 * used / logins:F3} |"));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>As many as there were ticks: a server that is too slow gets fewer a second, not more at a time.</summary>
    private static async Task<int> RunAsync(Func<CancellationToken, Task> login, int rate, int seconds, CancellationToken cancellationToken)
    {
        const int AtATime = 16;
        var clock = Stopwatch.StartNew();
        var taken = -1;
        async Task LaneAsync()
        {
            while (Interlocked.Increment(ref taken) is var number && number < rate * seconds)
            {
                var due = TimeSpan.FromSeconds((double)number / rate) - clock.Elapsed;
                if (due > TimeSpan.Zero)
                {
                    await Task.Delay(due, cancellationToken);
                }

                await login(cancellationToken);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, AtATime).Select(_ => Task.Run(LaneAsync, cancellationToken)));
        return rate * seconds;
    }
}
