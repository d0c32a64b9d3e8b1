namespace MailGrains.EndToEnd.Tests;

/// <summary>Waits for what comes within half a minute.</summary>
internal static class Wait
{
    /// <param name="what">What is said where it does not come.</param>
    public static async Task UntilAsync(Func<Task<bool>> isSo, CancellationToken cancellationToken, string what = "It")
    {
        for (var turns = 0; !await isSo(); turns++)
        {
            Assert.True(turns < 600, $"{what} never came to be.");
            await Task.Delay(50, cancellationToken);
        }
    }

    public static async Task UntilAsync(Func<bool> isSo, CancellationToken cancellationToken)
    {
        for (var turns = 0; !isSo(); turns++)
        {
            Assert.True(turns < 6_000, "It never came to be.");
            await Task.Delay(5, cancellationToken);
        }
    }
}
