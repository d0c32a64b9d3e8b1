namespace MailGrains.EndToEnd.Tests;

/// <summary>Waits for what comes within half a minute, or a limit of one's own.</summary>
internal static class Wait
{
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(30);

    /// <param name="what">What is said where it does not come.</param>
    public static async Task UntilAsync(Func<Task<bool>> isSo, CancellationToken cancellationToken, string what = "It")
    {
        for (var turns = 0; !await isSo(); turns++)
        {
            Assert.True(turns < 600, $"{what} never came to be.");
            await Task.Delay(50, cancellationToken);
        }
    }

    public static async Task UntilAsync(Func<bool> isSo, CancellationToken cancellationToken, TimeSpan? limit = null)
    {
        for (var turns = 0; !isSo(); turns++)
        {
            Assert.True(turns * 5 < (limit ?? Usual).TotalMilliseconds, "It never came to be.");
            await Task.Delay(5, cancellationToken);
        }
    }
}
