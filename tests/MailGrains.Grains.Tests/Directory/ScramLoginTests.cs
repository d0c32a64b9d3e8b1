using System.Security.Cryptography;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Grains.Directory;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>Logins by proof: who is let in, and that nobody learns from it which names there are.</summary>
[Collection(SharedDirectory.Name)]
public sealed class ScramLoginTests(DirectoryCluster cluster)
{
    private static readonly byte[] Message = Encoding.ASCII.GetBytes("n=bob,r=a,r=ab,s=c,i=1,c=biws,r=ab");

    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ScramDigest.Sha1)]
    [InlineData(ScramDigest.Sha256)]
    public async Task ProofOfThePasswordLogsInAndIsSigned(ScramDigest digest)
    {
        var tenant = await cluster.NewTenantAsync("bob");
        var mailbox = (await tenant.FindMailboxAsync("bob"))!.Mailbox;

        var outcome = await ScramClient.LogInAsync(tenant.Account("bob"), digest, TestTenant.Password, Message);

        Assert.Equal(
            LoginOutcome.Accept(new LoginAccount(tenant.Name, tenant.Address("bob").ToString(), mailbox, null)), outcome.Login);
        Assert.Equal(await ScramClient.SignatureAsync(tenant.Account("bob"), digest, TestTenant.Password, Message), outcome.ServerSignature);
    }

    [Fact]
    public async Task WrongProofIsNeitherAcceptedNorSigned()
    {
        var tenant = await cluster.NewTenantAsync("bob", "deleted");
        await tenant.PutMailboxAsync("locked", password: null);
        await tenant.DeleteMailboxAsync("deleted");

        foreach (var (name, password) in new[]
        {
            ("bob", "Open sesame"), ("nobody", TestTenant.Password), ("locked", TestTenant.Password), ("deleted", TestTenant.Password),
        })
        {
            foreach (var digest in Enum.GetValues<ScramDigest>())
            {
                var outcome = await ScramClient.LogInAsync(tenant.Account(name), digest, password, Message);
                Assert.Equal((LoginStatus.BadCredentials, 0), (outcome.Login.Status, outcome.ServerSignature.Length));
            }
        }

        Assert.Equal(
            LoginStatus.BadCredentials,
            (await tenant.Account("bob").FinishScramAsync(ScramDigest.Sha256, Message, [1, 2, 3], TestTenant.Attempt, None)).Login.Status);
    }

    [Fact]
    public async Task SaltOfANameThatIsNotThereIsAlwaysTheSameAndItsOwn()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        var other = new DecoySalts(cluster.Accounts, new PasswordOptions { Iterations = PasswordOptions.MinIterations });

        var first = await tenant.Account("nobody").BeginScramAsync(ScramDigest.Sha256, None);
        var again = await tenant.Account("nobody").BeginScramAsync(ScramDigest.Sha256, None);

        // As after a restart, and on another silo.
        var elsewhere = await other.OfAsync(AccountKey.Of(tenant.Name, tenant.Address("nobody")), ScramDigest.Sha256, None);
        var sha1 = await tenant.Account("nobody").BeginScramAsync(ScramDigest.Sha1, None);
        var somebody = await tenant.Account("somebody").BeginScramAsync(ScramDigest.Sha256, None);
        var bob = await tenant.Account("bob").BeginScramAsync(ScramDigest.Sha256, None);

        Assert.Equal(first.Salt, again.Salt);
        Assert.Equal(first.Salt, elsewhere.Salt);
        Assert.NotEqual(first.Salt, sha1.Salt);
        Assert.NotEqual(first.Salt, somebody.Salt);
        Assert.Equal((bob.Salt.Length, bob.Iterations), (first.Salt.Length, first.Iterations));
        Assert.Equal((bob.Salt.Length, bob.Iterations), (sha1.Salt.Length, sha1.Iterations));
    }

    [Fact]
    public async Task ProofCostsNoRounds()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        var before = cluster.Meters.Sum("mailgrains.password.rounds");

        await ScramClient.LogInAsync(tenant.Account("bob"), ScramDigest.Sha256, TestTenant.Password, Message);
        await ScramClient.LogInAsync(tenant.Account("nobody"), ScramDigest.Sha256, TestTenant.Password, Message);

        Assert.Equal(before, cluster.Meters.Sum("mailgrains.password.rounds"));
    }
}

/// <summary>The client's side of RFC 5802 §3.</summary>
internal static class ScramClient
{
    public static async Task<ScramOutcome> LogInAsync(
        IAccountGrain account, ScramDigest digest, string password, byte[] message, LoginAttempt? attempt = null)
    {
        var parameters = await account.BeginScramAsync(digest, default);
        return await account.FinishScramAsync(
            digest, message, Proof(digest, password, parameters, message), attempt ?? TestTenant.Attempt, default);
    }

    public static byte[] Proof(ScramDigest digest, string password, ScramParameters parameters, byte[] message)
    {
        var (hash, salted) = Salted(digest, password, parameters);
        var clientKey = CryptographicOperations.HmacData(hash, salted, "Client Key"u8);
        var signature = CryptographicOperations.HmacData(hash, CryptographicOperations.HashData(hash, clientKey), message);
        return [.. clientKey.Zip(signature, (k, s) => (byte)(k ^ s))];
    }

    public static async Task<byte[]> SignatureAsync(IAccountGrain account, ScramDigest digest, string password, byte[] message)
    {
        var (hash, salted) = Salted(digest, password, await account.BeginScramAsync(digest, default));
        return CryptographicOperations.HmacData(hash, CryptographicOperations.HmacData(hash, salted, "Server Key"u8), message);
    }

    private static (HashAlgorithmName Hash, byte[] Salted) Salted(ScramDigest digest, string password, ScramParameters parameters)
    {
        var (hash, bytes) = digest == ScramDigest.Sha1 ? (HashAlgorithmName.SHA1, 20) : (HashAlgorithmName.SHA256, 32);
        return (hash, Rfc2898DeriveBytes.Pbkdf2(password, parameters.Salt, parameters.Iterations, hash, bytes));
    }
}
