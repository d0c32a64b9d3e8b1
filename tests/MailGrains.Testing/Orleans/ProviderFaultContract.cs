using MailGrains.Storage;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;
using Orleans;
using Orleans.Runtime;
using Orleans.Storage;
using Xunit;
using static MailGrains.Testing.Orleans.Silos;

namespace MailGrains.Testing.Orleans;

/// <summary>
/// What the providers make of a store that fails: an outage is thrown and never looks like a lost race, which the runtime takes for a
/// healthy store; an unknown outcome does no harm whichever it was.
/// </summary>
public abstract class ProviderFaultContract
{
    private static readonly GrainId Box = GrainId.Create("box", "a");

    protected abstract ITableStore Store { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(CommitFault.LostBefore, StoreFailure.Unknown)]
    [InlineData(CommitFault.Full, StoreFailure.Full)]
    [InlineData(CommitFault.Unavailable, StoreFailure.Unavailable)]
    public async Task AWriteThatFailsIsThrownAndChangesNothing(CommitFault fault, StoreFailure failure)
    {
        var store = new FaultingTableStore(Store);
        using var orleans = await InitializedAsync(store);
        await InsertAsync(orleans, Silo(1));
        var (silo, etag, version) = await ReadAsync(orleans, 1);
        var reminder = new ReminderEntry { GrainId = Box, ReminderName = "wake", StartAt = Noon, Period = TimeSpan.FromMinutes(5) };
        reminder.ETag = await orleans.Reminders.UpsertRow(reminder, Cancellation);
        var state = new StoredState<Settings>(new Settings { Name = "one" });
        await orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation);
        var stateETag = state.ETag;

        store.WhenCommitting = (_, _) => fault;
        foreach (var write in new Func<Task>[]
        {
            () => orleans.Membership.InsertRowAsync(Silo(2), version.Next(), Cancellation),
            () => orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation),
            () => orleans.Membership.UpdateIAmAliveAsync(silo, Cancellation),
            () => orleans.Membership.DeleteMembershipTableEntriesAsync(orleans.ClusterId, Cancellation),
            () => orleans.Reminders.UpsertRow(reminder, Cancellation),
            () => orleans.Reminders.RemoveRow(Box, "wake", reminder.ETag!, Cancellation),
            () => orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation),
            () => orleans.GrainStorage.ClearStateAsync("settings", Box, state, Cancellation),
        })
        {
            Assert.Equal(failure, (await Assert.ThrowsAsync<StoreException>(write)).Failure);
        }

        store.Heal();
        Assert.Equal(version, (await ReadAsync(orleans, 1)).Version);
        Assert.Equal(reminder.ETag, (await orleans.Reminders.ReadRow(Box, "wake", Cancellation))!.ETag);
        Assert.Equal((stateETag, true, "one"), (state.ETag, state.RecordExists, state.State.Name));
        await orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation);
    }

    [Fact]
    public async Task AReadThatFailsIsThrown()
    {
        var store = new FaultingTableStore(Store);
        using var orleans = await InitializedAsync(store);
        store.BeforeRead = _ => throw new StoreException(StoreFailure.Unavailable, "Gone.");
        foreach (var read in new Func<Task>[]
        {
            () => orleans.Membership.InitializeMembershipTableAsync(true, Cancellation),
            () => orleans.Membership.ReadAllAsync(Cancellation),
            () => orleans.Membership.ReadRowAsync(Address(1), Cancellation),
            () => orleans.Membership.CleanupDefunctSiloEntriesAsync(DateTimeOffset.MaxValue, Cancellation),
            () => orleans.Gateways.GetGatewaysAsync(Cancellation),
            () => orleans.Reminders.ReadRow(Box, "wake", Cancellation),
            () => orleans.Reminders.ReadRows(Box, Cancellation),
            () => orleans.GrainStorage.ReadStateAsync("settings", Box, new StoredState<Settings>(new Settings()), Cancellation),
        })
        {
            Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(read)).Failure);
        }
    }

    [Fact]
    public async Task AChangeOfMembershipWhoseReplyWasLostShowsInTheNextRead()
    {
        var store = new FaultingTableStore(Store);
        using var orleans = await InitializedAsync(store);
        store.Fail(CommitFault.LostAfter);
        await Assert.ThrowsAsync<StoreException>(() => InsertAsync(orleans, Silo(1)));

        // What the runtime does then: it reads again, finds its row and goes on from there.
        var (silo, etag, version) = await ReadAsync(orleans, 1);
        Assert.Equal(1, version.Version);
        silo.Status = SiloStatus.ShuttingDown;
        store.Fail(CommitFault.LostAfter);
        await Assert.ThrowsAsync<StoreException>(() => orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation));
        Assert.False(await orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation));
        Assert.Equal((2, SiloStatus.ShuttingDown), (await ReadAsync(orleans, 1)) is var now ? (now.Version.Version, now.Silo.Status) : default);
    }

    [Fact]
    public async Task AChangeThatComesLateOverturnsNoneThatCameSince()
    {
        var store = new FaultingTableStore(Store);
        using var orleans = await InitializedAsync(store);
        await InsertAsync(orleans, Silo(1));
        var (silo, etag, version) = await ReadAsync(orleans, 1);
        silo.Status = SiloStatus.Dead;
        store.Fail(CommitFault.Delayed);
        await Assert.ThrowsAsync<StoreException>(() => orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation));
        await InsertAsync(orleans, Silo(2));

        Assert.False((await store.LandDelayedAsync(Cancellation)).Committed);
        Assert.Equal(SiloStatus.Active, (await ReadAsync(orleans, 1)).Silo.Status);
    }

    [Fact]
    public async Task AStateWhoseReplyWasLostIsInconsistentAtTheNextWrite()
    {
        var store = new FaultingTableStore(Store);
        using var orleans = new OrleansOnStore(store);
        var state = new StoredState<Settings>(new Settings { Name = "one" });
        await orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation);
        var etag = state.ETag;
        state.State.Name = "two";
        store.Fail(CommitFault.LostAfter);
        Assert.Equal(
            StoreFailure.Unknown,
            (await Assert.ThrowsAsync<StoreException>(() => orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation))).Failure);
        Assert.Equal(etag, state.ETag);
        await Assert.ThrowsAsync<InconsistentStateException>(() => orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation));

        await orleans.GrainStorage.ReadStateAsync("settings", Box, state, Cancellation);
        Assert.Equal("two", state.State.Name);
        await orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation);
    }

    [Fact]
    public async Task ACallThatHangsEndsWithItsToken()
    {
        var store = new FaultingTableStore(Store);
        using var orleans = await InitializedAsync(store);
        await InsertAsync(orleans, Silo(1));
        var (silo, etag, version) = await ReadAsync(orleans, 1);
        store.WhenCommitting = (_, _) => CommitFault.Hang;
        foreach (var write in new Func<CancellationToken, Task>[]
        {
            token => orleans.Membership.InsertRowAsync(Silo(2), version.Next(), token),
            token => orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), token),
            token => orleans.Membership.UpdateIAmAliveAsync(silo, token),
            token => orleans.Reminders.UpsertRow(new ReminderEntry { GrainId = Box, ReminderName = "wake", StartAt = Noon }, token),
            token => orleans.Reminders.RemoveRow(Box, "wake", "etag", token),
            token => orleans.GrainStorage.WriteStateAsync("settings", Box, new StoredState<Settings>(new Settings()), token),
        })
        {
            using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            var call = write(source.Token);
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        }
    }

    [Fact]
    public async Task ACancelledCallIsNotMade()
    {
        using var orleans = await InitializedAsync(Store);
        var cancelled = new CancellationToken(canceled: true);
        foreach (var call in new Func<Task>[]
        {
            () => orleans.Membership.InitializeMembershipTableAsync(true, cancelled),
            () => orleans.Membership.ReadAllAsync(cancelled),
            () => orleans.Membership.ReadRowAsync(Address(1), cancelled),
            () => orleans.Membership.InsertRowAsync(Silo(1), new TableVersion(1, "etag"), cancelled),
            () => orleans.Membership.UpdateRowAsync(Silo(1), "etag", new TableVersion(1, "etag"), cancelled),
            () => orleans.Membership.UpdateIAmAliveAsync(Silo(1), cancelled),
            () => orleans.Membership.CleanupDefunctSiloEntriesAsync(DateTimeOffset.MaxValue, cancelled),
            () => orleans.Membership.DeleteMembershipTableEntriesAsync(orleans.ClusterId, cancelled),
            () => orleans.Gateways.GetGatewaysAsync(cancelled),
            () => orleans.Reminders.ReadRow(Box, "wake", cancelled),
            () => orleans.Reminders.ReadRows(Box, cancelled),
            () => orleans.Reminders.ReadRows(0, 0, cancelled),
            () => orleans.Reminders.UpsertRow(new ReminderEntry { GrainId = Box, ReminderName = "wake" }, cancelled),
            () => orleans.Reminders.RemoveRow(Box, "wake", "etag", cancelled),
            () => orleans.GrainStorage.ReadStateAsync("settings", Box, new StoredState<Settings>(new Settings()), cancelled),
            () => orleans.GrainStorage.WriteStateAsync("settings", Box, new StoredState<Settings>(new Settings()), cancelled),
            () => orleans.GrainStorage.ClearStateAsync("settings", Box, new StoredState<Settings>(new Settings()), cancelled),
        })
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(call);
        }

        Assert.Empty((await orleans.Membership.ReadAllAsync(Cancellation)).Members);
    }
}
