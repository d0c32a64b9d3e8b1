using System.Globalization;

namespace MailGrains.Benchmarks.Delivery;

/// <summary>The arguments of the command <c>delivery</c>.</summary>
internal sealed record DeliveryOptions
{
    public const string Usage =
        "delivery [--peer] [--quick] [--sessions 1,40,200] [--sizes 4096,102400] [--mailboxes 4,1000] [--messages N] [--folder PATH]";

    private const int LargeBytes = 32 * 1024;

    // Fewer say nothing of a rate, nor of a 99th percentile.
    private const int FewestMessages = 1000;

    public bool Peer { get; private set; }

    public IReadOnlyList<int> Sessions { get; private set; } = [1, 40, 200];

    public IReadOnlyList<int> Sizes { get; private set; } = [4096, 102_400];

    public IReadOnlyList<int> Mailboxes { get; private set; } = [4, 1000];

    /// <summary>How many MailGrains gets in a row of small messages on several sessions; slower rows and servers get a fraction.</summary>
    public int Messages { get; private set; } = 40_000;

    /// <summary>How many small messages it gets before the first row, until the code is compiled as it stays.</summary>
    private int WarmUp { get; set; } = 30_000;

    /// <summary>Where the servers' folders are made: the file system under test.</summary>
    public string Folder { get; private set; } = Path.GetTempPath();

    public IEnumerable<Load> Loads =>
        (from size in Sizes from mailboxes in Mailboxes from sessions in Sessions select (size, mailboxes, sessions))
        .Select((row, index) => new Load(index + 1, row.sessions, row.size, row.mailboxes));

    /// <exception cref="ArgumentException">An argument is unknown, or no value follows it.</exception>
    public static DeliveryOptions Parse(IReadOnlyList<string> args)
    {
        var options = new DeliveryOptions();
        if (args.Contains("--quick"))
        {
            (options.Messages, options.WarmUp) = (8000, 4000);
        }

        for (var i = 0; i < args.Count; i++)
        {
            string Value() => ++i < args.Count ? args[i] : throw new ArgumentException($"A value must follow {args[i - 1]}. {Usage}");
            switch (args[i])
            {
                case "--peer": options.Peer = true; break;
                case "--quick": break;
                case "--sessions": options.Sessions = Numbers(Value()); break;
                case "--sizes": options.Sizes = Numbers(Value()); break;
                case "--mailboxes": options.Mailboxes = Numbers(Value()); break;
                case "--messages": options.Messages = Numbers(Value()).Single(); break;
                case "--folder": options.Folder = Path.GetFullPath(Value()); break;
                default: throw new ArgumentException($"{args[i]} is not known. {Usage}");
            }
        }

        return options;
    }

    /// <summary>What MailGrains gets before the first row, one load a size, since large messages take another path.</summary>
    public IEnumerable<(Load Load, int Messages)> WarmUps =>
        Sizes.Select((size, index) => new Load(-index, 40, size, 4)).Select(load => (load, load.Even(WarmUp / Slowness(load))));

    /// <summary>How many messages a row takes, so that each runs for some seconds.</summary>
    /// <param name="load">The row.</param>
    /// <param name="share">The server gets a part of them: it is so many times slower.</param>
    public int MessagesOf(Load load, int share) => load.Even(Math.Max(FewestMessages, Messages / Slowness(load) / share));

    private static int Slowness(Load load) => (load.Bytes > LargeBytes ? 4 : 1) * (load.Sessions == 1 ? 4 : 1);

    private static int[] Numbers(string text) => [.. text.Split(',').Select(word =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new ArgumentException($"'{word}' is no positive number. {Usage}"))];
}
