using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Text;
using MailGrains.Gateways.Connections.Lookups;
using MailGrains.Gateways.Filters;
using MailGrains.Protocols.Smtp;
using MailGrains.Storage;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>
/// A message while it arrives. Up to the inline limit it is gathered in memory; beyond it is streamed to a blob for each tenant and to the
/// summary's parser at once, at the pace of the slowest, and hashed. Nothing is visible to a reader before a mailbox has committed it.
/// </summary>
public sealed partial class IncomingMessage(
    Transaction transaction, MessageOrigin origin, GatewayOptions options, HandOver handOver, GatewayMetrics metrics, ILogger logger)
    : ISmtpContentSink, IDisposable
{
    private static readonly SmtpReply TooManyHops554 = new(554, new EnhancedCode(4, 6), "Too many hops");

    private byte[]? _buffer = ArrayPool<byte>.Shared.Rent(8 * 1024);
    private int _buffered;
    private LargeBody? _large;
    private MessageVerdict? _verdict;

    /// <summary>What a submission repaired is not what was received; set before <see cref="CompleteAsync"/>.</summary>
    public AsReceived? AsReceived { get; set; }

    /// <summary>After <see cref="CompleteAsync"/>: some mailbox has it, or it is not known whether one has.</summary>
    public bool MayBeKept { get; private set; }

    public async ValueTask<SmtpReply?> WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        if (_large is null)
        {
            if (_buffered + piece.Length <= MessageBody.InlineLimit)
            {
                Append(piece.Span);
                return null;
            }

            _large = handOver.BeginLargeBody(transaction, origin);
            await _large.WriteAsync(_buffer.AsMemory(0, _buffered), cancellationToken);
            ReturnBuffer();
        }

        await _large.WriteAsync(piece, cancellationToken);
        return null;
    }

    public async ValueTask<SmtpReply> CompleteAsync(CancellationToken cancellationToken)
    {
        // The connection's end must not undo a hand-over that has begun: it gets its own time.
        using var limit = new CancellationTokenSource(options.HandOverTimeout + handOver.FilterTime);
        var started = Stopwatch.GetTimestamp();
        SmtpReply reply;
        long bytes;
        try
        {
            (reply, bytes) = await KeepAsync(limit.Token);
        }
        finally
        {
            Dispose();
        }

        var milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        metrics.MessageAnswered(reply.Code, started);
        LogAnswer(bytes, reply.Status, milliseconds);
        return reply;
    }

    public async ValueTask AbortAsync(SmtpContentFailure reason)
    {
        if (_large is not null)
        {
            await _large.AbortAsync();
        }

        Dispose();

        LogAborted(origin.TraceId, origin.Peer, new LogText(transaction.ReversePath.Text), transaction.Recipients.Count, reason);
    }

    private async ValueTask<(SmtpReply Reply, long Bytes)> KeepAsync(CancellationToken cancellationToken)
    {
        var bytes = (long)_buffered;
        try
        {
            var content = _large is null ? TakeInline() : await _large.CompleteAsync(cancellationToken);
            bytes = content.Bytes;
            if (AsReceived is { } received)
            {
                content.RecogniseBy(received);
            }

            if (content.IsLooping)
            {
                await handOver.ForgetAsync(content, cancellationToken);
                return (TooManyHops554, bytes);
            }

            if (handOver.IsFiltered)
            {
                _verdict = await handOver.JudgeAsync(transaction, origin, content, cancellationToken);
                if (_verdict?.Refusal(origin.TraceId) is { } refusal)
                {
                    await handOver.ForgetAsync(content, cancellationToken);
                    return (refusal, bytes);
                }
            }

            if (!await handOver.StillLeadsAsync(transaction, cancellationToken))
            {
                // The client's repeat hears at RCPT what is right now.
                await handOver.ForgetAsync(content, cancellationToken);
                return (SmtpReply.LocalError451, bytes);
            }

            MayBeKept = true;
            (var reply, MayBeKept) = await handOver.DeliverAsync(transaction, origin, content, _verdict, cancellationToken);
            return (reply, bytes);
        }
        catch (StoreException e)
        {
            LogStoreFailure(origin.TraceId, e.Failure, e.Message);
            return (e.Failure == StoreFailure.Full ? SmtpReply.SystemFull452 : SmtpReply.LocalError451, bytes);
        }
        catch (OperationCanceledException)
        {
            return (SmtpReply.LocalError451, bytes);
        }
    }

    private IncomingContent TakeInline()
    {
        var inline = _buffer.AsSpan(0, _buffered).ToArray();
        ReturnBuffer();
        return handOver.ReadInline(inline);
    }

    private void Append(ReadOnlySpan<byte> piece)
    {
        if (_buffered + piece.Length > _buffer!.Length)
        {
            var grown = ArrayPool<byte>.Shared.Rent(Math.Max(MessageBody.InlineLimit, _buffered + piece.Length));
            _buffer.AsSpan(0, _buffered).CopyTo(grown);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = grown;
        }

        piece.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += piece.Length;
    }

    // A submission is traceable to its account by this line alone.
    private void LogAnswer(long bytes, string status, double milliseconds)
    {
        var reversePath = new LogText(transaction.ReversePath.Text);
        var recipients = transaction.Recipients.Count;
        var elsewhere = Elsewhere(transaction);
        var verdict = _verdict is null ? "" : $"; {_verdict}";
        if (origin.Login is { } login)
        {
            LogSubmission(origin.TraceId, new LogText(login), origin.Peer, reversePath, recipients, elsewhere, bytes, status, milliseconds, verdict);
        }
        else
        {
            // Of a trusted client nothing was looked up.
            var client = origin.Client.ReverseName.Status == ReverseNameStatus.NotLookedUp ? "" : $" ({origin.Client})";
            LogMessage(origin.TraceId, origin.Peer, client, reversePath, recipients, elsewhere, bytes, status, milliseconds, verdict);
        }
    }

    private static string Elsewhere(Transaction transaction) => transaction.QueuedTargets == 0
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $" ({transaction.Recipients.Count(r => r.Queued.Any(q => q.Mailbox is null))} elsewhere)");

    /// <summary>Lets the buffers go; the session's last call of a sink has done it already.</summary>
    public void Dispose()
    {
        ReturnBuffer();
        _large?.Dispose();
    }

    private void ReturnBuffer()
    {
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
        }
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{TraceId} from {Peer}{Client} <{ReversePath}> to {Recipients} recipients{Elsewhere}, {Bytes} bytes: {Status} in {Milliseconds:0.0} ms{Verdict}")]
    private partial void LogMessage(
        string traceId, IPAddress peer, string client, LogText reversePath, int recipients, string elsewhere, long bytes, string status, double milliseconds,
        string verdict);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{TraceId} of {Login} from {Peer} <{ReversePath}> to {Recipients} recipients{Elsewhere}, {Bytes} bytes: {Status} in {Milliseconds:0.0} ms{Verdict}")]
    private partial void LogSubmission(
        string traceId, LogText login, IPAddress peer, LogText reversePath, int recipients, string elsewhere, long bytes, string status, double milliseconds,
        string verdict);

    [LoggerMessage(Level = LogLevel.Information, Message = "{TraceId} from {Peer} <{ReversePath}> to {Recipients} recipients: not taken, {Reason}")]
    private partial void LogAborted(string traceId, IPAddress peer, LogText reversePath, int recipients, SmtpContentFailure reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{TraceId}: the store failed ({Failure}): {Why}")]
    private partial void LogStoreFailure(string traceId, StoreFailure failure, string why);
}
