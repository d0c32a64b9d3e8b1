using System.Globalization;
using System.Net;
using MailGrains.Testing.Programs;

namespace MailGrains.Benchmarks.Delivery;

/// <summary>Postfix's load generator: a new connection for each message, and a Message-ID of its own in each.</summary>
internal sealed class SmtpSource(string program)
{
    // It sends all messages of a run to one address, or each to another one; few mailboxes get a run each.
    private const int FewMailboxes = 10;

    /// <summary>Sends <paramref name="messages"/>, a multiple of the mailboxes, and returns when all are answered.</summary>
    public Task RunAsync(Load load, int messages, IPEndPoint server, CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, load.Lanes).Select(lane => RunLaneAsync(load, lane, messages / load.Mailboxes, server, cancellationToken)));

    private async Task RunLaneAsync(Load load, int lane, int messagesEach, IPEndPoint server, CancellationToken cancellationToken)
    {
        var addresses = load.AddressesOf(lane);
        string[] common = ["-s", Text(load.Sessions / load.Lanes), "-l", Text(load.Bytes), "-f", Load.Sender];
        var to = $"inet:{server}";
        if (addresses.Count <= FewMailboxes)
        {
            foreach (var address in addresses)
            {
                await ExternalProgram.RunAsync(program, [.. common, "-m", Text(messagesEach), "-t", address, to], cancellationToken);
            }

            return;
        }

        for (var i = 0; i < messagesEach; i++)
        {
            await ExternalProgram.RunAsync(
                program, [.. common, "-m", Text(addresses.Count), "-N", "-t", load.LaneAddress(lane), to], cancellationToken);
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
