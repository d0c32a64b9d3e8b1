using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Messages.Summaries;
using MailGrains.Storage.Bodies;

namespace MailGrains.Gateways.Smtp;

/// <summary>
/// A body over the inline limit while it arrives: each piece goes to one blob a tenant, to the summary's parser and to the hash. At most
/// <see cref="PauseBytes"/> wait for each of them. Where a blob can't be written the rest is taken and thrown away, and
/// <see cref="CompleteAsync"/> throws what the store said.
/// </summary>
public sealed class LargeBody : IDisposable
{
    private const int PauseBytes = 512 * 1024;
    private const int ResumeBytes = 256 * 1024;

    private readonly Pipe[] _pipes;
    private readonly (string Tenant, Task<MessageBody> Written)[] _blobs;
    private readonly Task<MessageSummary> _summary;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly CancellationTokenSource _aborted = new();
    private long _bytes;
    private bool _isSevenBit = true;

    public LargeBody(BodyBlobs bodies, SummaryReader summaries, EmailId email, IEnumerable<IGrouping<string, BodyHolder>> holders)
    {
        var tenants = holders.ToArray();
        _pipes = [.. Enumerable.Range(0, tenants.Length + 1).Select(_ => new Pipe(new PipeOptions(
            pauseWriterThreshold: PauseBytes, resumeWriterThreshold: ResumeBytes, minimumSegmentSize: 64 * 1024, useSynchronizationContext: false)))];
        _summary = ReadAsync(_pipes[0].Reader, summaries.ReadAsync);
        _blobs = [.. tenants.Select((tenant, i) => (tenant.Key, ReadAsync(
            _pipes[i + 1].Reader, (stream, cancel) => bodies.WriteAsync(tenant.Key, email, [.. tenant], stream, cancel))))];
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        _bytes += piece.Length;
        _hash.AppendData(piece.Span);
        _isSevenBit = _isSevenBit && Ascii.IsValid(piece.Span);
        foreach (var pipe in _pipes)
        {
            await pipe.Writer.WriteAsync(piece, cancellationToken);
        }
    }

    public async Task<IncomingContent> CompleteAsync(CancellationToken cancellationToken)
    {
        foreach (var pipe in _pipes)
        {
            await pipe.Writer.CompleteAsync();
        }

        using var registration = cancellationToken.Register(_aborted.Cancel);
        await Task.WhenAll(_blobs.Select(b => b.Written));
        var bodies = new Dictionary<string, MessageBody>(StringComparer.Ordinal);
        foreach (var (tenant, written) in _blobs)
        {
            bodies[tenant] = await written;
        }

        return IncomingContent.OfBlobs(_bytes, _hash.GetHashAndReset(), await _summary, bodies, _isSevenBit);
    }

    /// <summary>Stops the writers; the store shows no blob whose content did not end. One of a tenant that had ended is the sweeper's.</summary>
    public async Task AbortAsync()
    {
        await _aborted.CancelAsync();
        foreach (var pipe in _pipes)
        {
            await pipe.Writer.CompleteAsync(new OperationCanceledException("The message was aborted."));
        }

        await Task.WhenAll([.. _blobs.Select(b => b.Written), _summary]).ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    // A reader that has ended, well or badly, lets the writer go on without it.
    private async Task<T> ReadAsync<T>(PipeReader reader, Func<Stream, CancellationToken, Task<T>> read)
    {
        try
        {
            await Task.Yield();
            return await read(reader.AsStream(leaveOpen: true), _aborted.Token);
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    public void Dispose()
    {
        _hash.Dispose();
        _aborted.Dispose();
    }
}
