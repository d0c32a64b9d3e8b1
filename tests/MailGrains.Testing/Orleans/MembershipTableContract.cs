using System.Net;
using MailGrains.Storage.Tables;
using Orleans;
using Orleans.Runtime;
using Orleans.Storage;
using Xunit;
using static MailGrains.Testing.Orleans.Silos;

namespace MailGrains.Testing.Orleans;

/// <summary>What Orleans 10.4 asks of a membership table and a gateway list, and how the rows look; bound to every store.</summary>
public abstract class MembershipTableContract
{
    protected abstract ITableStore Store { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ANewTableHasNoSilosAndIsMadeOnce()
    {
        using var orleans = await InitializedAsync();
        var first = await orleans.Membership.ReadAllAsync(Cancellation);
        using var second = new OrleansOnStore(Store, orleans.ClusterId);
        await second.Membership.InitializeMembershipTableAsync(true, Cancellation);
        var again = await second.Membership.ReadAllAsync(Cancellation);

        Assert.Empty(first.Members);
        Assert.Equal(0, first.Version.Version);
        Assert.False(string.IsNullOrEmpty(first.Version.VersionEtag));
        Assert.Equal(first.Version, again.Version);
    }

    [Fact]
    public async Task ManySilosMayMakeTheTableAtOnce()
    {
        var cluster = "cluster-" + Guid.NewGuid().ToString("N");
        using var orleans = new OrleansOnStore(Store, cluster);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => orleans.Membership.InitializeMembershipTableAsync(true, Cancellation)));
        Assert.Equal(0, (await orleans.Membership.ReadAllAsync(Cancellation)).Version.Version);
    }

    [Fact]
    public async Task ASiloIsReadAsItWasInserted()
    {
        using var orleans = await InitializedAsync();
        var silo = Silo(1);
        silo.RoleName = "gateway";
        silo.UpdateZone = 3;
        silo.FaultZone = 4;
        silo.AddSuspector(Address(7), Noon.AddMinutes(1));
        silo.AddSuspector(Address(8), Noon.AddMinutes(2));
        Assert.True(await InsertAsync(orleans, silo));

        var all = await orleans.Membership.ReadAllAsync(Cancellation);
        var row = await orleans.Membership.ReadRowAsync(silo.SiloAddress, Cancellation);
        Assert.Equal(1, all.Version.Version);
        AssertSame(silo, Assert.Single(all.Members).Item1);
        AssertSame(silo, Assert.Single(row.Members).Item1);
        Assert.Equal(all.Version, row.Version);
        Assert.Empty((await orleans.Membership.ReadRowAsync(Address(2), Cancellation)).Members);
    }

    [Fact]
    public async Task ASiloOnIPv6IsReadAsItWasInserted()
    {
        using var orleans = await InitializedAsync();
        var silo = Silo(1);
        silo.SiloAddress = SiloAddress.New(IPAddress.Parse("fe80::1:2"), 11111, 5);
        Assert.True(await InsertAsync(orleans, silo));
        AssertSame(silo, Assert.Single((await orleans.Membership.ReadAllAsync(Cancellation)).Members).Item1);
    }

    [Fact]
    public async Task AnInsertOfAKnownSiloOrOnAStaleVersionIsFalse()
    {
        using var orleans = await InitializedAsync();
        var empty = await orleans.Membership.ReadAllAsync(Cancellation);
        Assert.True(await InsertAsync(orleans, Silo(1)));
        Assert.False(await InsertAsync(orleans, Silo(1)));
        Assert.False(await orleans.Membership.InsertRowAsync(Silo(2), empty.Version.Next(), Cancellation));

        var all = await orleans.Membership.ReadAllAsync(Cancellation);
        Assert.Equal(1, all.Version.Version);
        Assert.Single(all.Members);
    }

    [Fact]
    public async Task AnUpdateReplacesTheSiloAndMovesTheVersion()
    {
        using var orleans = await InitializedAsync();
        await InsertAsync(orleans, Silo(1));
        var (silo, etag, version) = await ReadAsync(orleans, 1);
        silo.Status = SiloStatus.ShuttingDown;
        silo.AddSuspector(Address(9), Noon);
        Assert.True(await orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation));

        var (updated, newEtag, newVersion) = await ReadAsync(orleans, 1);
        AssertSame(silo, updated);
        Assert.Equal(2, newVersion.Version);
        Assert.NotEqual(version.VersionEtag, newVersion.VersionEtag);
        Assert.NotEqual(etag, newEtag);
    }

    [Fact]
    public async Task AnUpdateOfAnUnknownSiloOrOnAStaleTokenIsFalse()
    {
        using var orleans = await InitializedAsync();
        await InsertAsync(orleans, Silo(1));
        var (silo, etag, version) = await ReadAsync(orleans, 1);
        Assert.False(await orleans.Membership.UpdateRowAsync(Silo(2), etag, version.Next(), Cancellation));
        Assert.False(await orleans.Membership.UpdateRowAsync(silo, "another", version.Next(), Cancellation));
        Assert.True(await orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation));
        Assert.False(await orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation));

        var (_, _, now) = await ReadAsync(orleans, 1);
        Assert.Equal(2, now.Version);
    }

    [Fact]
    public async Task OfParallelUpdatesOneWinsARound()
    {
        const int Rounds = 8, Writers = 6;
        using var orleans = await InitializedAsync();
        await InsertAsync(orleans, Silo(1));
        for (var round = 1; round <= Rounds; round++)
        {
            var data = await orleans.Membership.ReadAllAsync(Cancellation);
            var attempts = Enumerable.Range(0, Writers).Select(writer => Task.Run(() =>
            {
                var silo = Silo(1);
                silo.ProxyPort = (100 * round) + writer;
                return orleans.Membership.UpdateRowAsync(silo, data.Members[0].Item2, data.Version.Next(), Cancellation);
            })).ToArray();
            var won = await Task.WhenAll(attempts);

            var after = await ReadAsync(orleans, 1);
            Assert.Equal(1, won.Count(x => x));
            Assert.Equal(1 + round, after.Version.Version);
            Assert.Equal((100 * round) + Array.IndexOf(won, true), after.Silo.ProxyPort);
        }
    }

    [Fact]
    public async Task AHeartbeatChangesItsTimeAlone()
    {
        using var orleans = await InitializedAsync();
        var silo = Silo(1);
        silo.AddSuspector(Address(9), Noon);
        await InsertAsync(orleans, silo);
        var (_, etag, version) = await ReadAsync(orleans, 1);

        // As the runtime does it: the address and the time, nothing else.
        var beat = new MembershipEntry { SiloAddress = silo.SiloAddress, IAmAliveTime = Noon.AddHours(1) };
        await orleans.Membership.UpdateIAmAliveAsync(beat, Cancellation);
        var (alive, newEtag, newVersion) = await ReadAsync(orleans, 1);
        silo.IAmAliveTime = beat.IAmAliveTime;
        AssertSame(silo, alive);
        Assert.Equal(version, newVersion);
        Assert.Equal(etag, newEtag);
    }

    [Fact]
    public async Task AnUpdateWithATokenReadBeforeAHeartbeatSucceeds()
    {
        using var orleans = await InitializedAsync();
        await InsertAsync(orleans, Silo(1));
        var (silo, etag, version) = await ReadAsync(orleans, 1);
        await orleans.Membership.UpdateIAmAliveAsync(new MembershipEntry { SiloAddress = silo.SiloAddress, IAmAliveTime = Noon.AddHours(1) }, Cancellation);
        silo.Status = SiloStatus.Dead;
        Assert.True(await orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation));
        Assert.Equal(SiloStatus.Dead, (await ReadAsync(orleans, 1)).Silo.Status);
    }

    [Fact]
    public async Task HeartbeatsAndVotesAtOnceLoseNoVote()
    {
        const int Rounds = 12;
        using var orleans = await InitializedAsync();
        await InsertAsync(orleans, Silo(1));
        for (var round = 1; round <= Rounds; round++)
        {
            var (silo, etag, version) = await ReadAsync(orleans, 1);
            silo.AddSuspector(Address(100 + round), Noon);
            var beat = new MembershipEntry { SiloAddress = silo.SiloAddress, IAmAliveTime = Noon.AddSeconds(round) };
            var vote = Task.Run(() => orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation));
            await Task.WhenAll(vote, Task.Run(() => orleans.Membership.UpdateIAmAliveAsync(beat, Cancellation)));
            Assert.True(await vote);
        }

        Assert.Equal(Rounds, (await ReadAsync(orleans, 1)).Silo.SuspectTimes!.Count);
    }

    [Fact]
    public async Task AHeartbeatOfAnUnknownSiloIsAnError()
    {
        using var orleans = await InitializedAsync();
        await Assert.ThrowsAsync<OrleansException>(() => orleans.Membership.UpdateIAmAliveAsync(Silo(1), Cancellation));
        Assert.Empty((await orleans.Membership.ReadAllAsync(Cancellation)).Members);
    }

    [Fact]
    public async Task CleanUpRemovesOldDeadSilosAlone()
    {
        using var orleans = await InitializedAsync();
        SiloStatus[] states =
            [SiloStatus.Created, SiloStatus.Joining, SiloStatus.Active, SiloStatus.ShuttingDown, SiloStatus.Stopping, SiloStatus.Dead];
        for (var i = 0; i < states.Length; i++)
        {
            await InsertAsync(orleans, Silo(i, states[i]));
        }

        var alive = Silo(20, SiloStatus.Dead);
        alive.IAmAliveTime = Noon.AddDays(2);
        var suspected = Silo(21, SiloStatus.Dead);
        suspected.AddSuspector(Address(1), Noon.AddDays(2));
        var started = Silo(22, SiloStatus.Dead);
        started.StartTime = Noon.AddDays(2);
        foreach (var silo in new[] { alive, suspected, started })
        {
            await InsertAsync(orleans, silo);
        }

        var before = await orleans.Membership.ReadAllAsync(Cancellation);
        await orleans.Membership.CleanupDefunctSiloEntriesAsync(new DateTimeOffset(Noon.AddDays(1)), Cancellation);
        var after = await orleans.Membership.ReadAllAsync(Cancellation);
        Assert.Equal(before.Version, after.Version);
        Assert.Equal(
            [0, 1, 2, 3, 4, 20, 21, 22], after.Members.Select(member => member.Item1.SiloAddress.Generation).Order());
    }

    [Fact]
    public async Task DeletingAClusterLeavesTheOthers()
    {
        using var one = await InitializedAsync();
        using var other = await InitializedAsync();
        await InsertAsync(one, Silo(1));
        await InsertAsync(other, Silo(2));
        await one.Membership.DeleteMembershipTableEntriesAsync(one.ClusterId, Cancellation);
        await Assert.ThrowsAnyAsync<Exception>(() => one.Membership.ReadAllAsync(Cancellation));
        Assert.Single((await other.Membership.ReadAllAsync(Cancellation)).Members);

        await one.Membership.InitializeMembershipTableAsync(true, Cancellation);
        Assert.Empty((await one.Membership.ReadAllAsync(Cancellation)).Members);
    }

    [Fact]
    public async Task GatewaysAreTheActiveSilosWithAProxyPort()
    {
        using var orleans = await InitializedAsync();
        Assert.Empty(await orleans.Gateways.GetGatewaysAsync(Cancellation));
        await InsertAsync(orleans, Silo(1));
        await InsertAsync(orleans, Silo(2));
        await InsertAsync(orleans, Silo(3, SiloStatus.Dead));
        await InsertAsync(orleans, Silo(4, SiloStatus.Joining));
        var silent = Silo(5);
        silent.ProxyPort = 0;
        await InsertAsync(orleans, silent);

        await orleans.Gateways.InitializeGatewayListProviderAsync(Cancellation);
        var gateways = await orleans.Gateways.GetGatewaysAsync(Cancellation);
        Assert.Equal(
            ["gwy.tcp://10.0.0.1:30001/1", "gwy.tcp://10.0.0.2:30002/2"], gateways.Select(uri => uri.ToString()).Order());
        Assert.Equal(TimeSpan.FromMinutes(1), orleans.Gateways.MaxStaleness);
    }

    private Task<OrleansOnStore> InitializedAsync() => Silos.InitializedAsync(Store);
}
