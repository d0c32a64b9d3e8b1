using MailGrains.Grains.Directory;

namespace MailGrains.Grains.Tests.Directory;

public sealed class UnknownAccountsTests
{
    [Fact]
    public void OnlyTheNameThatFailedLongestAgoIsForgottenForANewOne()
    {
        var names = new UnknownAccounts(new LockoutOptions { UnknownAccounts = 3 });
        foreach (var name in new[] { "a", "b", "c", "a", "d" })
        {
            names.Keep(name, LoginFailures.None with { Count = 1 });
        }

        Assert.Equal((1, 0, 1, 1), (names.Find("a").Count, names.Find("b").Count, names.Find("c").Count, names.Find("d").Count));
        names.Forget("a");
        Assert.Equal(0, names.Find("a").Count);
    }
}
