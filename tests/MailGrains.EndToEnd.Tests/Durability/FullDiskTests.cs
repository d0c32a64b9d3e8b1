using System.Diagnostics;
using System.Globalization;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Crash;
using MailGrains.Storage.Sqlite;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Durability;

/// <summary>
/// A disk that gets full: a file system in memory, mounted where only the host sees it. When the host has ended, what it left is copied to
/// an ordinary folder before the mount goes.
/// </summary>
public sealed class FullDiskTests(ITestOutputHelper output)
{
    private const string Tenant = "full";
    private const string Password = "room for no more";
    private const int DiskMebibytes = 40;
    private const int BallastMebibytes = 16;
    private const int MessagesAfter = 60;

    // $0: the mount point, $1: where to keep what was written, then the command.
    private static readonly string OwnDisk = string.Create(CultureInfo.InvariantCulture, $"""
        mount -t tmpfs -o size={DiskMebibytes}m tmpfs "$0" && head -c {BallastMebibytes}M /dev/zero > "$0/ballast" || exit 70
        kept=$1; shift
        "$@"; code=$?
        cp -a "$0/." "$kept" && exit $code
        """);

    private static readonly string[] Addresses = ["one@full.test", "two@full.test"];

    [Fact]
    public async Task A_full_disk_is_a_temporary_refusal_and_loses_nothing()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var mountPoint = new DataFolder();
        using var kept = new DataFolder();
        var unshare = await UnshareAsync(cancellationToken);
        var ledger = new Ledger(Addresses, Password);
        await using (var host = await HostProcess.StartAsync(
            new HostOptions { DataFolder = mountPoint.Path, Wrapper = [.. unshare, "sh", "-c", OwnDisk, mountPoint.Path, kept.Path] }, cancellationToken))
        {
            using (var admin = host.NewAdminClient())
            {
                await admin.PutMailboxesAsync(Tenant, Addresses, Password, cancellationToken);
            }

            var (taken, refused) = await FillAsync(host, ledger, cancellationToken);
            output.WriteLine($"The disk took {taken} messages; then {refused} were refused for now.");
            await ledger.VerifyAsync(host, cancellationToken);

            File.Delete($"/proc/{host.Pid}/root{mountPoint.Path}/ballast");
            await GoOnAsync(host, ledger, cancellationToken);
            await ledger.VerifyAllAsync(host, cancellationToken);
            Assert.Equal(0, await host.StopAsync());
        }

        await using var store = SqliteStore.Open(new SqliteStoreOptions { Path = kept.Path });
        await StoreCheck.RunAsync(store.Accounts, Addresses.Length, cancellationToken);
    }

    /// <summary>Sends until messages of every size have been refused for want of room, and for no other reason.</summary>
    private static async Task<(int Taken, int Refused)> FillAsync(HostProcess host, Ledger ledger, CancellationToken cancellationToken)
    {
        const int Enough = 20;
        using var session = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        var (taken, refused, inARow) = (0, 0, 0);
        while (inARow < Enough)
        {
            if (await SendAsync(session, ledger, cancellationToken) is { Code: not 250 } reply)
            {
                Assert.True(reply.Text.StartsWith("452 4.3.1 ", StringComparison.Ordinal), $"{reply.Text}\n{host.Output}");
                refused++;
                inARow++;
            }
            else
            {
                taken++;
                inARow = 0;
            }
        }

        return (taken, refused);
    }

    private static async Task GoOnAsync(HostProcess host, Ledger ledger, CancellationToken cancellationToken)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        for (var i = 0; i < MessagesAfter; i++)
        {
            Assert.Equal(250, (await SendAsync(session, ledger, cancellationToken)).Code);
        }
    }

    private static async Task<SmtpReply> SendAsync(SmtpSession session, Ledger ledger, CancellationToken cancellationToken)
    {
        var message = ledger.Next();
        var reply = await session.SendAsync(message, () => ledger.HandsOver(message), cancellationToken: cancellationToken);
        if (reply.Code == 250)
        {
            ledger.Acknowledge(message);
        }

        return reply;
    }

    /// <summary>The command that gives another one mounts of its own: as root, or else as the root of a user namespace of its own.</summary>
    private static async Task<string[]> UnshareAsync(CancellationToken cancellationToken)
    {
        string[][] commands = [["unshare", "-m"], ["unshare", "-Urm"]];
        foreach (var command in commands)
        {
            using var process = Process.Start(new ProcessStartInfo(command[0], [.. command[1..], "true"]) { RedirectStandardError = true })!;
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode == 0)
            {
                return command;
            }
        }

        Assert.Skip("needs a mount namespace: root, or user namespaces for everybody");
        return [];
    }
}
