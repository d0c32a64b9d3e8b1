using MailGrains.Storage.Tables;
using Orleans;
using Orleans.Runtime;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace MailGrains.Storage.Orleans;

/// <summary>
/// Grain states on an <see cref="ITableStore"/>; <see cref="GrainStateRow"/> says how the rows look. For small states that change seldom:
/// mailboxes and queues keep a journal instead.
/// <para>Every write and clear is conditional: on the ETag of the last read or write, or on there being no row where there was none. One
/// that finds another state stored throws <see cref="InconsistentStateException"/>, upon which the runtime drops the stale activation.
/// A write of unknown outcome leaves the state's ETag as it was; if it did happen, the next write is inconsistent, and the
/// activation starts over from what is stored.</para>
/// </summary>
internal sealed class TableStoreGrainStorage(
    string name, TableStoreGrainStorageOptions options, ITableStore store, string serviceId, IActivatorProvider activators) : IGrainStorage
{
    public async Task ReadStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var row = await ReadRowAsync(stateName, grainId, cancellationToken).ConfigureAwait(false);
        var data = row is null ? null : GrainStateRow.State(row);
        var state = data is null ? default : Deserialize<T>(data, stateName, grainId);
        grainState.State = state ?? Fresh<T>();
        grainState.RecordExists = data is not null;
        grainState.ETag = row?.ETag;
    }

    public async Task WriteStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var data = options.GrainStorageSerializer.Serialize(grainState.State).ToMemory();
        if (data.Length > GrainStateRow.MaxBytes)
        {
            throw new StoreException(
                StoreFailure.Refused,
                $"The state '{stateName}' of {grainId} takes {data.Length} bytes; a row holds {GrainStateRow.MaxBytes}.");
        }

        grainState.ETag = await WriteRowAsync(stateName, grainId, data, grainState.ETag, cancellationToken).ConfigureAwait(false);
        grainState.RecordExists = true;
    }

    public async Task ClearStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var etag = options.DeleteStateOnClear
            ? await DeleteRowAsync(stateName, grainId, grainState.ETag, cancellationToken).ConfigureAwait(false)
            : await WriteRowAsync(stateName, grainId, null, grainState.ETag, cancellationToken).ConfigureAwait(false);
        grainState.State = Fresh<T>();
        grainState.RecordExists = false;
        grainState.ETag = etag;
    }

    Task IGrainStorage.ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    Task IGrainStorage.WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    Task IGrainStorage.ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    private async Task<TableRow?> ReadRowAsync(string stateName, GrainId grainId, CancellationToken cancellationToken)
    {
        var row = await store.ReadAsync(
            options.TableName, GrainStateRow.Partition(serviceId, grainId), GrainStateRow.Key(stateName), cancellationToken)
            .ConfigureAwait(false);
        return row is null || GrainStateRow.IsOf(grainId, row) ? row : throw new StoreException(
            StoreFailure.Refused, $"The state '{stateName}' of {grainId} has the key of another grain's state; neither was changed.");
    }

    private async Task<string?> WriteRowAsync(
        string stateName, GrainId grainId, ReadOnlyMemory<byte>? data, string? etag, CancellationToken cancellationToken)
    {
        var (key, row) = (GrainStateRow.Key(stateName), GrainStateRow.Of(grainId, data));
        var write = string.IsNullOrEmpty(etag) ? TableOperation.Insert(key, row) : TableOperation.Replace(key, row, etag);
        var commit = await CommitAsync(stateName, grainId, write, etag, cancellationToken).ConfigureAwait(false);
        return commit.ETags[0];
    }

    private async Task<string?> DeleteRowAsync(string stateName, GrainId grainId, string? etag, CancellationToken cancellationToken)
    {
        if (!string.IsNullOrEmpty(etag))
        {
            var delete = TableOperation.Delete(GrainStateRow.Key(stateName), etag);
            await CommitAsync(stateName, grainId, delete, etag, cancellationToken).ConfigureAwait(false);
        }
        else if (await ReadRowAsync(stateName, grainId, cancellationToken).ConfigureAwait(false) is { } stored)
        {
            throw Inconsistent(stateName, grainId, stored.ETag, etag);
        }

        return null;
    }

    private async Task<TableCommit> CommitAsync(
        string stateName, GrainId grainId, TableOperation operation, string? etag, CancellationToken cancellationToken)
    {
        var commit = await store.CommitAsync(
            options.TableName, GrainStateRow.Partition(serviceId, grainId), [operation], cancellationToken).ConfigureAwait(false);
        if (commit.Committed)
        {
            return commit;
        }

        var stored = await ReadRowAsync(stateName, grainId, cancellationToken).ConfigureAwait(false);
        throw Inconsistent(stateName, grainId, stored?.ETag, etag);
    }

    private InconsistentStateException Inconsistent(string stateName, GrainId grainId, string? stored, string? etag) => new(
        $"Grain storage '{name}': the state '{stateName}' of {grainId} is not the one that this activation read.", stored, etag);

    private T? Deserialize<T>(BinaryData data, string stateName, GrainId grainId)
    {
        try
        {
            return options.GrainStorageSerializer.Deserialize<T>(data);
        }
        catch (Exception e)
        {
            throw new StoreException(StoreFailure.Unreadable, $"The state '{stateName}' of {grainId} is not readable.", e);
        }
    }

    private T Fresh<T>() => activators.GetActivator<T>().Create();
}
