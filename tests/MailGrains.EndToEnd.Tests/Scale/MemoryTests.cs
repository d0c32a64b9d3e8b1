using System.Diagnostics;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Crash;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Scale;

/// <summary>A hundredth of the messages and mailboxes of the benchmark <c>memory</c>.</summary>
[Collection(Alone.Name)]
public sealed class MemoryTests(ITestOutputHelper output)
{
    private const string Password = "not to be remembered";
    private const int Messages = 2_000;
    private const int Sessions = 20;
    private const long Mebibyte = 1024 * 1024;

    // Messages of this size are kept in rows, and all of them together are twice what the working set may grow by.
    private const int MessageBytes = 24 * 1024;
    private const long MaxGrowthBytes = Messages * MessageBytes / 2;

    private const long MaxPeakBytes = 400 * Mebibyte;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);
    private static readonly string[] Addresses = [.. Enumerable.Range(0, 10).Select(i => $"box{i}@memory.test")];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Messages_that_were_delivered_leave_nothing_in_memory_that_counts()
    {
        using var data = new DataFolder();
        await using var host = await HostProcess.StartAsync(data.Path, Cancel);
        using (var admin = host.NewAdminClient())
        {
            await admin.PutMailboxesAsync("memory", Addresses, Password, cancellationToken: Cancel);
        }

        // As many first: buffers, caches and compiled code come once.
        var ledger = new Ledger(Addresses, Password);
        await SendAsync(host, ledger);
        var before = host.WorkingSet;
        var clock = Stopwatch.StartNew();
        await SendAsync(host, ledger);
        clock.Stop();
        var (growth, peak) = (host.WorkingSet - before, host.PeakWorkingSet);

        output.WriteLine($"{clock.Elapsed.TotalSeconds:F1} s, {growth / Mebibyte} MiB more than {before / Mebibyte}, {peak / Mebibyte} MiB at the peak");
        Assert.True(growth < MaxGrowthBytes, $"The working set grew by {growth / Mebibyte} MiB.");
        Assert.True(peak < MaxPeakBytes, $"The working set was {peak / Mebibyte} MiB.");
        Assert.True(clock.Elapsed < Limit, $"It took {clock.Elapsed}.");
        await ledger.VerifyAllAsync(host, Cancel);
    }

    private static async Task SendAsync(HostProcess host, Ledger ledger)
    {
        var left = Messages;
        await Task.WhenAll(Enumerable.Range(0, Sessions).Select(async _ =>
        {
            using var session = await SmtpSession.OpenAsync(host.Smtp, Cancel);
            while (Interlocked.Decrement(ref left) is >= 0 and var number)
            {
                var message = ledger.Next(MessageBytes, [Addresses[number % Addresses.Length]]);
                Assert.Equal(250, (await session.SendAsync(message, () => ledger.HandsOver(message), cancellationToken: Cancel)).Code);
                ledger.Acknowledge(message);
            }
        }));
    }
}
