namespace MailGrains.Benchmarks.Delivery;

/// <summary>
/// One row of the table: so many sessions send messages of one size, each to one mailbox, evenly over all of them. The senders work in lanes,
/// each with its share of the sessions and of the mailboxes.
/// </summary>
/// <param name="Row">Tells the row's mailboxes from those of others: each row starts with empty ones.</param>
/// <param name="Sessions">How many send at a time.</param>
/// <param name="Bytes">Of the body.</param>
/// <param name="Mailboxes">How many take mail.</param>
internal sealed record Load(int Row, int Sessions, int Bytes, int Mailboxes)
{
    public const string Domain = "bench.test";
    public const string Sender = "sender@client.test";

    public int Lanes => new[] { 4, 2, 1 }.First(n => Sessions % n == 0 && Mailboxes % n == 0);

    public IReadOnlyList<string> Addresses => [.. Enumerable.Range(0, Lanes).SelectMany(AddressesOf)];

    /// <summary>The mailboxes of a lane are <see cref="LaneAddress"/> with a number from 1 on before it, as smtp-source numbers them.</summary>
    public IReadOnlyList<string> AddressesOf(int lane) =>
        [.. Enumerable.Range(1, Mailboxes / Lanes).Select(n => $"{n}{LaneAddress(lane)}")];

    public string LaneAddress(int lane) => $"x{Row}l{lane}@{Domain}";

    /// <summary>A number of messages near to <paramref name="messages"/> that gives each mailbox the same.</summary>
    public int Even(int messages) => Math.Max(1, (int)Math.Round((double)messages / Mailboxes)) * Mailboxes;
}
