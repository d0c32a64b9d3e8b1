using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.EndToEnd.Tests.Durability;

/// <summary>
/// What a kill does not notice: 250 comes after the sync of all that it promises. A tracer notes the host's system calls in the order in
/// which they happen.
/// </summary>
public sealed class SyncOrderTests
{
    private const string Tenant = "sync";
    private const string Password = "written and synced";
    private const int Sessions = 4;
    private const int MessagesEach = 8;
    private const int SmallBytes = 1_000;
    private const int LargeBytes = 80_000;

    // All of one length, so that none is a part of another.
    private const int FirstNumber = 1_000_000;

    private static readonly string[] Addresses = ["one@sync.test", "two@sync.test"];

    [Fact]
    public async Task Each_acknowledgement_comes_after_the_syncs_of_its_commit_and_of_its_blob()
    {
        var strace = DebianProgram.Require("strace", "strace");
        var cancellationToken = TestContext.Current.CancellationToken;
        using var data = new DataFolder();
        using var trace = new DataFolder();
        var log = Path.Combine(trace.Path, "calls");
        List<Sent> sent;
        await using (var host = await HostProcess.StartAsync(
            new HostOptions { DataFolder = data.Path, Wrapper = SystemCall.Tracer(strace, log) }, cancellationToken))
        {
            using var admin = host.NewAdminClient();
            await admin.PutMailboxesAsync(Tenant, Addresses, Password, cancellationToken);
            sent = [.. (await Task.WhenAll(Enumerable.Range(0, Sessions).Select(s => SendAsync(host, s, cancellationToken)))).SelectMany(s => s)];
            await host.StopAsync();
        }

        var calls = SystemCall.ReadAll(log);
        Assert.Equal(sent.Count, calls.Count(IsAcknowledgement));
        foreach (var message in sent)
        {
            CheckOrder(calls, message);
        }
    }

    private static async Task<List<Sent>> SendAsync(HostProcess host, int session, CancellationToken cancellationToken)
    {
        using var smtp = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        var sent = new List<Sent>();
        for (var i = 0; i < MessagesEach; i++)
        {
            var isLarge = i % 4 == 2;
            var message = new TestMessage(
                FirstNumber + (session * MessagesEach) + i, isLarge ? LargeBytes : SmallBytes, [Addresses[(session + i) % Addresses.Length]]);
            var reply = await smtp.SendAsync(message, cancellationToken: cancellationToken);
            Assert.Equal(250, reply.Code);
            sent.Add(new Sent(message.Number, isLarge, $"->{smtp.LocalEndPoint}", reply.Text));
        }

        return sent;
    }

    private static void CheckOrder(List<SystemCall> calls, Sent message)
    {
        var token = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{message.Number}@client.test"));
        var reply = calls.Single(c => IsAcknowledgement(c) && Encoding.ASCII.GetString(c.Data).TrimEnd() == message.Reply);
        Assert.EndsWith(message.Connection, reply.Target, StringComparison.Ordinal);
        var endOfData = calls.Last(c => c.Name == "recvfrom" && c.Target == reply.Target && c.End < reply.Start && c.Data.EndsWith(".\r\n"u8));

        // Header and page of a frame are a write each.
        var writes = calls.FindAll(c => c.IsWrite && IsLog(c));
        var first = writes.FindIndex(c => c.Data.IndexOf(token) >= 0);
        Assert.True(first > 0, $"Message {message.Number} was never written to the log.");
        Assert.True(endOfData.End < writes[first].Start, $"Message {message.Number} was written before its end was read.");
        var page = writes[writes.FindIndex(first - 1, IsCommitFrame) + 1];
        var sync = calls.Find(c => c.Start > page.End && c.IsSync && IsLog(c));
        Assert.True(sync is not null && sync.End < reply.Start, $"Message {message.Number} was acknowledged before the log was synced.");
        if (message.IsLarge)
        {
            CheckBlob(calls, message, token, sync);
        }
    }

    private static void CheckBlob(List<SystemCall> calls, Sent message, byte[] token, SystemCall logSync)
    {
        var file = calls.Find(c => c.IsWrite && c.Target.Contains("/incoming/", StringComparison.Ordinal) && c.Data.IndexOf(token) >= 0)!.Target;
        var written = calls.Last(c => c.IsWrite && c.Target == file);
        var fileSync = calls.Find(c => c.IsSync && c.Target == file);
        Assert.True(fileSync is not null && written.End < fileSync.Start, $"The blob of message {message.Number} was not synced after its last octet.");

        var link = calls.Single(c => c.Name is "link" or "rename" && Encoding.UTF8.GetString(c.Data) == file);
        Assert.True(fileSync.End < link.Start, $"The blob of message {message.Number} got its name before it was synced.");
        var folder = Path.GetDirectoryName(Encoding.UTF8.GetString(link.Strings[1]));
        var folderSync = calls.Find(c => c.IsSync && c.Target == folder && c.Start > link.End);
        Assert.True(folderSync is not null && folderSync.End < logSync.Start, $"The folder of message {message.Number}'s blob was not synced before its row.");
    }

    private static bool IsLog(SystemCall call) => call.Target.EndsWith("/mailgrains.db-wal", StringComparison.Ordinal);

    /// <summary>SQLite's file format §4.1: the header of a frame, the last one of a transaction, which names the size of the database.</summary>
    private static bool IsCommitFrame(SystemCall call) =>
        call.IsWrite && IsLog(call) && call.Data.Length == 24 && BinaryPrimitives.ReadInt32BigEndian(call.Data[4..]) != 0;

    private static bool IsAcknowledgement(SystemCall call) =>
        call.IsWrite && call.Target.StartsWith("TCP:", StringComparison.Ordinal) && call.Data.StartsWith("250 2.0.0 "u8);

    /// <param name="Connection">The end of its name as the server sees it.</param>
    private sealed record Sent(int Number, bool IsLarge, string Connection, string Reply);
}
