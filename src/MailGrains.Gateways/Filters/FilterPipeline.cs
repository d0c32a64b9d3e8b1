using System.Diagnostics;
using System.Net.Sockets;
using MailGrains.Messages.Headers;
using MailGrains.Storage;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Filters;

/// <summary>
/// Asks all filters at once and takes the worst verdict. Facts in, verdict out: the caller acts on it. However a filter fails, in its time or
/// by taking too long, its policy decides, and nobody waits longer than the longest time-out.
/// </summary>
public sealed partial class FilterPipeline : IDisposable
{
    private readonly IMessageFilter[] _filters;
    private readonly bool _submission;
    private readonly GatewayMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<FilterPipeline> _logger;

    /// <param name="submission">Mail of users who logged in is filtered too.</param>
    public FilterPipeline(
        IEnumerable<IMessageFilter> filters, bool submission, GatewayMetrics metrics, TimeProvider time, ILogger<FilterPipeline> logger)
    {
        _filters = [.. filters];
        (_submission, _metrics, _time, _logger) = (submission, metrics, time, logger);
        LongestTimeout = _filters.Length == 0 ? TimeSpan.Zero : _filters.Max(f => f.Limits.Timeout);
    }

    public bool IsOff => _filters.Length == 0;

    public TimeSpan LongestTimeout { get; }

    /// <summary>Null where nothing looks at this message.</summary>
    /// <exception cref="StoreException">The content can't be read back.</exception>
    public async ValueTask<MessageVerdict?> JudgeAsync(MessageFacts message, CancellationToken cancellationToken)
    {
        if (IsOff || (message.Login is not null && !_submission))
        {
            return null;
        }

        var verdicts = await Task.WhenAll(_filters.Select(f => AskAsync(f, message, cancellationToken)));
        return MessageVerdict.Of(verdicts, isSubmission: message.Login is not null);
    }

    public void Dispose()
    {
        foreach (var filter in _filters)
        {
            filter.Dispose();
        }
    }

    private async Task<FilterVerdict> AskAsync(IMessageFilter filter, MessageFacts message, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var verdict = message.Content.Length > filter.Limits.MaxBytes
            ? new FilterVerdict(FilterAction.Accept, filter.Name, "too-large")
            : await CheckAsync(filter, message, cancellationToken);
        if (verdict.Failed)
        {
            verdict = verdict with { Action = filter.Limits.OnFailure == FilterAction.Accept ? FilterAction.Accept : FilterAction.Defer };
        }

        _metrics.FilterAnswered(filter.Name, FilterVerdict.WordOf(verdict.Action), verdict.Failed, started);
        return verdict;
    }

    private async Task<FilterVerdict> CheckAsync(IMessageFilter filter, MessageFacts message, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(filter.Limits.Timeout, _time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            var verdict = await filter.CheckAsync(message, ends.Token);
            if (verdict.Failed)
            {
                LogFailed(message.TraceId, filter.Name, verdict.Reason);
            }

            return verdict;
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when ((e as StoreException ?? e.InnerException as StoreException) is { } store)
        {
            // The store's fault, not the filter's.
            throw new StoreException(store.Failure, store.Message);
        }
        catch (Exception) when (limit.IsCancellationRequested)
        {
            LogFailed(message.TraceId, filter.Name, "timeout");
            return FilterVerdict.Failure(filter.Name, "timeout");
        }
        catch (Exception e) when (e is SocketException or HttpRequestException or IOException)
        {
            LogUnreachable(message.TraceId, filter.Name, HeaderText.Of(e.Message).Value);
            return FilterVerdict.Failure(filter.Name, "unreachable");
        }
        catch (Exception e)
        {
            LogDefect(e, message.TraceId, filter.Name);
            return FilterVerdict.Failure(filter.Name, "error");
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{TraceId}: {Filter} could not tell: {Reason}")]
    private partial void LogFailed(string traceId, string filter, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{TraceId}: {Filter} could not be asked: {Why}")]
    private partial void LogUnreachable(string traceId, string filter, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "{TraceId}: {Filter} failed")]
    private partial void LogDefect(Exception exception, string traceId, string filter);
}
