using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using MailGrains.Storage.Blobs;
using BlobItem = MailGrains.Storage.Blobs.BlobItem;

namespace MailGrains.Storage.Azure;

/// <summary>
/// The blobs of one Azure storage account, in one container.
/// <para>A blob shows itself by one request that carries <c>If-None-Match: *</c>: the put of all its bytes where they fit a block, else
/// the commit of the blocks staged before. A content stream that fails leaves at most staged blocks, which nobody sees and the service
/// drops after a week.</para>
/// <para>That request is repeated here, not by the SDK: each write carries an id of its own in the blob's metadata, so that after a lost
/// reply "exists already" can be told from "is mine". What stays unknown after that is <see cref="StoreFailure.Unknown"/>.</para>
/// </summary>
public sealed class AzureBlobStore : IBlobStore
{
    public const int BlockBytes = 4 * 1024 * 1024;

    private const int FirstBufferBytes = 64 * 1024;
    private const int Attempts = 3;
    private const string WriterKey = "writer";

    private static readonly TimeSpan AttemptDelay = TimeSpan.FromMilliseconds(200);

    private readonly BlobContainerClient _once;
    private readonly BlobContainerClient _repeating;
    private readonly TimeProvider _time;

    internal AzureBlobStore(BlobContainerClient once, BlobContainerClient repeating, TimeProvider time)
    {
        _once = once;
        _repeating = repeating;
        _time = time;
    }

    public async Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        Check(BlobName.Violation(name));
        var block = new Block(content.CanSeek ? content.Length - content.Position : FirstBufferBytes);
        try
        {
            await block.FillAsync(content, cancellationToken).ConfigureAwait(false);
            var writer = Guid.NewGuid();
            if (block.Count < BlockBytes && await PutAsync(name, writer, block, cancellationToken).ConfigureAwait(false))
            {
                return block.Count;
            }

            return await WriteBlocksAsync(name, writer, block, content, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            block.Dispose();
        }
    }

    public async Task<Stream?> ReadAsync(string name, long offset, long? length, CancellationToken cancellationToken)
    {
        Check(BlobName.Violation(name));
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length ?? 0);
        var blob = _repeating.GetBlobClient(name);
        try
        {
            if (length == 0)
            {
                return await blob.ExistsAsync(cancellationToken).ConfigureAwait(false) ? Stream.Null : null;
            }

            // No range for the whole: an empty blob has no range that the service would accept.
            var options = new BlobDownloadOptions { Range = offset == 0 && length is null ? default : new HttpRange(offset, length) };
            var found = await blob.DownloadStreamingAsync(options, cancellationToken).ConfigureAwait(false);
            return new BlobReadStream(found.Value.Content);
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return null;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.InvalidRange)
        {
            return Stream.Null;
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            throw AzureFailure.OfRead($"Reading the blob {name}", e);
        }
    }

    public async Task<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        Check(BlobName.Violation(name));
        try
        {
            await _repeating.GetBlobClient(name)
                .DeleteAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return false;
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            throw AzureFailure.OfWrite($"Deleting the blob {name}", e);
        }
    }

    public async IAsyncEnumerable<BlobItem> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Check(BlobName.PrefixViolation(prefix));
        var pages = _repeating.GetBlobsAsync(new GetBlobsOptions { Prefix = prefix }, cancellationToken)
            .AsPages().GetAsyncEnumerator(cancellationToken);
        await using (pages.ConfigureAwait(false))
        {
            while (true)
            {
                try
                {
                    if (!await pages.MoveNextAsync().ConfigureAwait(false))
                    {
                        yield break;
                    }
                }
                catch (Exception e) when (IsFailure(e, cancellationToken))
                {
                    throw AzureFailure.OfRead($"Listing the blobs of {prefix}", e);
                }

                foreach (var item in pages.Current.Values)
                {
                    yield return new BlobItem(item.Name, item.Properties.ContentLength ?? 0, item.Properties.CreatedOn ?? default);
                }
            }
        }
    }

    /// <summary>Makes the container where it is not there yet.</summary>
    internal async Task CreateContainerAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _repeating.CreateIfNotExistsAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            throw AzureFailure.OfRead($"Making the container {_repeating.Name}", e);
        }
    }

    private async Task<long> WriteBlocksAsync(string name, Guid writer, Block block, Stream content, CancellationToken cancellationToken)
    {
        var blob = _repeating.GetBlockBlobClient(name);
        var ids = new List<string>();
        var total = 0L;
        while (block.Count > 0)
        {
            var id = BlockId(writer, ids.Count);
            try
            {
                await blob.StageBlockAsync(id, block.Open(), cancellationToken: cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (IsFailure(e, cancellationToken))
            {
                // A staged block is no blob: whether this one arrived makes no difference.
                throw AzureFailure.OfRead($"Staging a block of the blob {name}", e);
            }

            ids.Add(id);
            total += block.Count;
            if (block.Count < BlockBytes)
            {
                break;
            }

            await block.FillAsync(content, cancellationToken).ConfigureAwait(false);
        }

        var once = _once.GetBlockBlobClient(name);
        var options = new CommitBlockListOptions { Conditions = NotThere(), Metadata = SignedBy(writer) };
        await ShowAsync(name, writer, c => once.CommitBlockListAsync(ids, options, c), cancellationToken).ConfigureAwait(false);
        return total;
    }

    /// <summary>
    /// Puts all bytes at once; false where there seems to be a blob of this name. It may be blocks only, of a write that failed: the
    /// emulator takes them for a blob here, but not when a block list is committed.
    /// </summary>
    private async Task<bool> PutAsync(string name, Guid writer, Block block, CancellationToken cancellationToken)
    {
        var once = _once.GetBlockBlobClient(name);
        var options = new BlobUploadOptions { Conditions = NotThere(), Metadata = SignedBy(writer) };
        try
        {
            await ShowAsync(name, writer, c => once.UploadAsync(block.Open(), options, c), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (StoreException e) when (e is { Failure: StoreFailure.Refused, InnerException: RequestFailedException inner } && IsThere(inner))
        {
            return false;
        }
    }

    /// <summary>Sends the request that makes a blob visible until its outcome is known, or tries and time are used up.</summary>
    private async Task ShowAsync(string name, Guid writer, Func<CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        StoreException? failure = null;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await send(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (RequestFailedException e) when (IsThere(e) || (attempt > 1 && e.ErrorCode == BlobErrorCode.InvalidBlockList))
            {
                if (attempt > 1 && await IsFromAsync(name, writer, cancellationToken).ConfigureAwait(false))
                {
                    return;
                }

                throw new StoreException(StoreFailure.Refused, $"There is a blob {name} already.", e);
            }
            catch (OperationCanceledException) when (failure is not null && cancellationToken.IsCancellationRequested)
            {
                // This try sent nothing; the ones before may have.
                throw failure;
            }
            catch (Exception e) when (IsFailure(e, cancellationToken))
            {
                var latest = AzureFailure.OfWrite($"Writing the blob {name}", e);
                failure = failure is { Failure: StoreFailure.Unknown } ? failure : latest;
                if (attempt == Attempts || latest.Failure is not (StoreFailure.Unknown or StoreFailure.Unavailable))
                {
                    throw failure;
                }
            }

            // A cancelled wait ends in the next try, which knows what has been sent so far.
            await Task.Delay(AttemptDelay * attempt, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> IsFromAsync(string name, Guid writer, CancellationToken cancellationToken)
    {
        try
        {
            var properties = await _repeating.GetBlobClient(name)
                .GetPropertiesAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            return properties.Value.Metadata.TryGetValue(WriterKey, out var found) && found == writer.ToString("N");
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            throw new StoreException(StoreFailure.Unknown, $"Writing the blob {name}: whose it is could not be read.", e);
        }
    }

    private static bool IsThere(RequestFailedException error) =>
        error.ErrorCode == BlobErrorCode.BlobAlreadyExists || error.ErrorCode == BlobErrorCode.ConditionNotMet;

    private static BlobRequestConditions NotThere() => new() { IfNoneMatch = ETag.All };

    private static Dictionary<string, string> SignedBy(Guid writer) => new() { [WriterKey] = writer.ToString("N") };

    /// <summary>Ids hold the writer, so that two writers of one name never mix their blocks.</summary>
    private static string BlockId(Guid writer, int index)
    {
        Span<byte> id = stackalloc byte[20];
        writer.TryWriteBytes(id);
        BinaryPrimitives.WriteInt32BigEndian(id[16..], index);
        return Convert.ToBase64String(id);
    }

    private static void Check(string? violation)
    {
        if (violation is not null)
        {
            throw new StoreException(StoreFailure.Refused, violation);
        }
    }

    private static bool IsFailure(Exception error, CancellationToken cancellationToken) =>
        error is not StoreException && !(error is OperationCanceledException && cancellationToken.IsCancellationRequested);
}
