using System.Collections.Concurrent;

namespace MailGrains.Messages.Summaries;

/// <summary>
/// Makes a message's summary, once, as it comes in. What the content holds never makes it throw: a structure that breaks a limit or the parser
/// becomes one opaque part. Thread-safe; one per process.
/// </summary>
public sealed class SummaryReader(SummaryLimits limits)
{
    // Parsers hold buffers of 5 KiB and more; as many as messages are parsed at once on as many cores, and not more, are kept for reuse.
    private static readonly int MaxIdle = 2 * Environment.ProcessorCount;

    private readonly ConcurrentBag<SummaryParse> _idle = [];

    public SummaryReader()
        : this(new SummaryLimits())
    {
    }

    /// <summary>Reads a content that is in memory.</summary>
    public MessageSummary Read(ReadOnlyMemory<byte> content)
    {
        var parse = _idle.TryTake(out var idle) ? idle : new SummaryParse(limits);
        parse.Reset(null, content);
        Exception? failure = null;
        try
        {
            parse.ReadMessage();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            failure = e;
        }

        parse.Content.DrainMemory();
        return Finish(parse, failure);
    }

    /// <summary>
    /// Reads a content while it comes in, from a stream that can only be read forward, to its end; holds a few KiB of it at a time. An exception
    /// of the stream and the cancellation are the caller's.
    /// </summary>
    public async Task<MessageSummary> ReadAsync(Stream content, CancellationToken cancellationToken)
    {
        var parse = _idle.TryTake(out var idle) ? idle : new SummaryParse(limits);
        parse.Reset(content, default);
        Exception? failure = null;
        try
        {
            await parse.ReadMessageAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException && parse.Content.SourceFailure is null && !cancellationToken.IsCancellationRequested)
        {
            failure = e;
        }

        await parse.Content.DrainAsync(cancellationToken).ConfigureAwait(false);
        return Finish(parse, failure);
    }

    private MessageSummary Finish(SummaryParse parse, Exception? failure)
    {
        var summary = SummaryAssembly.Of(parse, failure);
        if (_idle.Count < MaxIdle)
        {
            parse.Reset(null, default);
            _idle.Add(parse);
        }

        return summary;
    }
}
