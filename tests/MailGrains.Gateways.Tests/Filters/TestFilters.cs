using System.Net;
using System.Text;
using MailGrains.Gateways.Filters;
using MailGrains.Testing.Metrics;

namespace MailGrains.Gateways.Tests.Filters;

/// <summary>Messages and pipelines for tests of filters.</summary>
internal static class TestFilters
{
    /// <summary>A real daemon has this long; a test waits as long only where it has failed.</summary>
    public static readonly FilterLimits Patient = new(TimeSpan.FromSeconds(60), FilterAction.Defer, long.MaxValue);

    public const string Trace = "Received: from client.example.org ([192.0.2.7])\r\n\tby mx.test with ESMTP id 1; Thu, 01 Jan 2026 00:00:00 +0000\r\n";

    public static MessageFacts Message(string content) => Message(Encoding.ASCII.GetBytes(content));

    public static MessageFacts Message(byte[] content) => Message(content.Length, () => new MemoryStream(content, writable: false));

    public static MessageFacts Message(long length, Func<Stream> open) => new(
        "trace-1", IPAddress.Parse("192.0.2.7"), "client.example.org", "ann@example.org", ["bob@example.test", "carol@example.test"],
        new FilteredContent(Encoding.ASCII.GetBytes(Trace), length, _ => new(open())));

    public static FilterPipeline Pipeline(params IReadOnlyList<IMessageFilter> filters) => Pipeline(new MeasuredMeters(), filters);

    public static FilterPipeline Pipeline(MeasuredMeters meters, params IReadOnlyList<IMessageFilter> filters) =>
        new(filters, submission: true, new GatewayMetrics(meters), TimeProvider.System, new RecordedLog<FilterPipeline>());

    /// <summary>Asks one filter, which stays the caller's to dispose of.</summary>
    public static async Task<MessageVerdict> JudgeAsync(IMessageFilter filter, MessageFacts message) =>
        (await Pipeline(filter).JudgeAsync(message, TestContext.Current.CancellationToken))!;
}

/// <summary>Says what the test tells it to.</summary>
internal sealed class ScriptedFilter(
    string name, Func<MessageFacts, CancellationToken, ValueTask<FilterVerdict>> check, FilterLimits? limits = null) : IMessageFilter
{
    public ScriptedFilter(string name, FilterAction action)
        : this(name, (_, _) => new(new FilterVerdict(action, name, "told-so")))
    {
    }

    public string Name => name;

    public FilterLimits Limits => limits ?? TestFilters.Patient;

    public ValueTask<FilterVerdict> CheckAsync(MessageFacts message, CancellationToken cancellationToken) => check(message, cancellationToken);

    public void Dispose()
    {
    }
}
